import { beforeAll, expect, test } from "vitest";
import { fileKey } from "../../../src/storage/model-keys.ts";
import { sum } from "../../support/awkward-models.ts";
import { type HostClient, numeric, sha256Of } from "../../support/hosts.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import { store, storeFile } from "../../support/stored-model.ts";
import type { HostCall } from "../../workerd/workers/hosts/call.ts";

const ONE = numeric("x", "FP32", [1], [1]);
const NAME = "plus-two";
const TAKES = '"x" (FP32 [n])';

const REFUSED: readonly [string, Partial<HostCall>, object][] = [
  [
    "an output that the model does not have",
    { tensors: [ONE], outputs: ["y", "logits"] },
    {
      code: "unknown_output",
      message: 'The model has no output "logits": its outputs are "y" (FP32 [n]).',
    },
  ],
  [
    "a missing input",
    { tensors: [] },
    {
      code: "invalid_input",
      message: `Missing input "x": the model takes ${TAKES}.`,
      details: { expected: ["x"], missing: ["x"] },
    },
  ],
  [
    "an input that the model does not have",
    { tensors: [ONE, { ...ONE, name: "a" }] },
    {
      code: "invalid_input",
      message: `The model has no input "a": it takes ${TAKES}.`,
      details: { expected: ["x"], actual: "a" },
    },
  ],
  [
    "an input of another datatype",
    { tensors: [numeric("x", "FP64", [1], [1])] },
    {
      code: "invalid_datatype",
      message: 'Input "x": expected datatype FP32, got FP64.',
      details: { input: "x", expected: "FP32", actual: "FP64" },
    },
  ],
  [
    "an input of another rank",
    { tensors: [numeric("x", "FP32", [1, 1], [1])] },
    {
      code: "invalid_shape",
      message: 'Input "x": expected shape [n], got [1, 1]: it has 2 dimensions instead of 1.',
      details: { input: "x", expected: ["n"], actual: [1, 1] },
    },
  ],
];

/** What a host throws, to the last character. */
export function testHostErrors(hostOf: () => HostClient): void {
  beforeAll(async () => {
    const { bucket } = hostOf().service;
    await store(bucket, NAME, sum(2));
    const iris = findModel("iris-logistic");
    await publishAs(bucket, iris, iris.manifest);
  });

  test.each(REFUSED)("%s is refused", async (_, asked, error) => {
    expect((await hostOf().infer({ name: NAME, ...asked })).error).toEqual(error);
    const right = await hostOf().infer({ name: NAME, tensors: [ONE] });
    expect(right.tensors).toEqual([numeric("y", "FP32", [1], [3])]);
  });

  test("a model without a task is refused", async () => {
    const { error } = await hostOf().execute({ name: NAME, inputs: [1] });
    expect(error).toMatchObject({
      code: "task_not_supported",
      message: expect.stringContaining(`model "${NAME}"`),
    });
  });

  test("parameters and inputs that the task does not take are refused", async () => {
    const name = "iris-logistic";
    const parameters = { top_k: "all" };
    expect(
      (await hostOf().execute({ name, inputs: [1, 2, 3, 4], parameters })).error,
    ).toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("top_k"),
    });
    expect((await hostOf().execute({ name, inputs: [1, 2, 3] })).error).toMatchObject({
      code: "invalid_shape",
    });
  });

  test("a model whose file is missing fails until the file is there", async () => {
    const { bucket } = hostOf().service;
    const name = "plus-three";
    const graph = { ...sum(3), name: hostOf().name };
    const manifest = await store(bucket, name, graph);
    await bucket.delete(fileKey(manifest, manifest.file));
    expect((await hostOf().infer({ name, tensors: [ONE] })).error).toEqual({
      code: "model_missing",
      message: `model.onnx of model "${name}" version 1 is missing from object storage.`,
      details: { model: name, version: "1", file: "model.onnx" },
    });
    await bucket.put(fileKey(manifest, manifest.file), Uint8Array.from(buildOnnx(graph)));
    const { tensors } = await hostOf().infer({ name, tensors: [ONE] });
    expect(tensors).toEqual([numeric("y", "FP32", [1], [4])]);
  });

  test("a model whose file is another one is not loaded", async () => {
    const { bucket } = hostOf().service;
    const name = "plus-four";
    const manifest = await store(bucket, name, { ...sum(4), name: hostOf().name });
    const other = Uint8Array.from(buildOnnx({ ...sum(5), name: hostOf().name }));
    await bucket.put(fileKey(manifest, manifest.file), other);
    const [file] = manifest.files;
    const { error } = await hostOf().infer({ name, tensors: [ONE] });
    expect(error?.code).toBe("model_corrupt");
    expect(error?.message).toContain(
      `its SHA-256 is ${sha256Of(other)} instead of ${file?.sha256}`,
    );
    expect(await hostOf().state(name)).toMatchObject({ state: "failed", error });
  });

  test("a file that is no model is not loaded", async () => {
    const name = "no-model";
    const text = new TextEncoder().encode(`no model of ${hostOf().name}`);
    const { inputs = [], outputs } = sum(1);
    await storeFile(hostOf().service.bucket, name, text, {
      inputs: inputs.map((spec) => ({ ...spec, shape: [...spec.shape] })),
      outputs: outputs.map((spec) => ({ ...spec, shape: [...spec.shape] })),
    });
    const { error } = await hostOf().infer({ name, tensors: [ONE] });
    expect(error).toMatchObject({
      code: "model_load_failed",
      message: expect.stringContaining(`model "${name}" version 1`),
    });
    const loaded = await hostOf().call("load", { name });
    expect(loaded.error).toEqual(error);
  });

  test("storage that fails is not taken for a broken model", async () => {
    const name = "unreadable";
    await store(hostOf().service.bucket, name, { ...sum(6), name: hostOf().name });
    const { error } = await hostOf().infer({ name, tensors: [ONE] });
    expect(error).toMatchObject({
      code: "storage_failed",
      message: expect.stringContaining(`model.onnx of model "${name}" version 1`),
    });
  });
}
