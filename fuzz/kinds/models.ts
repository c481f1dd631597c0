import { AUTHORIZATION, SCRATCH_PREFIX } from "../admin-key.ts";
import type { FuzzKind } from "../fuzz-kind.ts";
import { type FuzzRequest, post } from "../http/request.ts";
import type { Answer } from "../http/response-parser.ts";
import { mutateOnnx } from "../mutate/mutate-onnx.ts";
import { mutateOrt } from "../mutate/mutate-ort.ts";

/** Of an input, when the model does not determine the size of a dimension. */
const DYNAMIC_SIZE = 1;
const MOST_ELEMENTS = 10_000;

interface DeclaredInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export const models: FuzzKind = {
  name: "models",
  description: "mutated ONNX and ORT files: published, run once when accepted, deleted",
  weight: 0,
  create(random, samples, index) {
    const { bytes, format } = random.pickWeighted(samples.models);
    const body = format === "onnx" ? mutateOnnx(bytes, random) : mutateOrt(bytes, random);
    return {
      method: "PUT",
      target: `/admin/models/${SCRATCH_PREFIX}${index}/versions/1`,
      headers: [AUTHORIZATION],
      body,
    };
  },
  /** Publish, describe, run, delete. */
  follow({ method, target }, answer) {
    const name = /\/models\/([^/]+)/.exec(target)?.[1] ?? "";
    const remove: FuzzRequest = {
      method: "DELETE",
      target: `/admin/models/${name}/versions/1`,
      headers: [AUTHORIZATION],
    };
    const ok = answer.status < 300;
    if (method === "PUT")
      return ok ? { method: "GET", target: `/v2/models/${name}`, headers: [] } : undefined;
    if (method === "GET") return (ok && createInfer(name, answer)) || remove;
    if (method === "POST") return remove;
    return undefined;
  },
};

/** Ones of the declared datatypes and shapes. */
function createInfer(name: string, answer: Answer): FuzzRequest | undefined {
  const { inputs } = JSON.parse(answer.body.toString()) as { inputs: readonly DeclaredInput[] };
  const tensors = inputs.map(({ name, datatype, shape }) => {
    const sizes = shape.map((size) => (size < 0 ? DYNAMIC_SIZE : size));
    const elements = sizes.reduce((product, size) => product * size, 1);
    const one = datatype === "BYTES" ? "a" : datatype === "BOOL" ? true : 1;
    const data = elements > MOST_ELEMENTS ? [] : Array(elements).fill(one);
    return { name, datatype, shape: sizes, data };
  });
  const body = JSON.stringify({ inputs: tensors });
  return post(`/v2/models/${name}/infer`, "application/json", body, [["x-timeout-ms", "5000"]]);
}
