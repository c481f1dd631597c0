import { z } from "zod";
import type { Call } from "../../../src/domain/call.ts";
import type { Manifest } from "../../../src/domain/manifest.ts";
import type { Lease } from "../../../src/domain/ports.ts";
import { type NumericTensor, type Tensor, toTypedArray } from "../../../src/domain/tensor.ts";
import type { ModelSet, Task } from "../../../src/tasks/task.ts";

/** Rows and columns of the input of `bench/dense-model.ts`. */
const DENSE_SHAPE = [16, 32];
/** Of the attention model of `test/fixtures/caches`. */
const WIDTH = 16;
const CACHES = [0, 1].flatMap((layer) => ["key", "value"].map((part) => `${layer}.${part}`));
const cacheShape = (length: number): number[] => [1, 2, length, 8];

/** Computes the next token, the index of the largest score. */
type NextToken = (step: number) => number;

/**
 * A task that streams as many tokens as its input says, by a lease that it holds meanwhile: one run and one part for each
 * token. A model with caches updates them in place; any other gets the same input in each run.
 */
export function createGenerationTask({ inputs }: Manifest): Task {
  const createSteps = inputs.some(({ name }) => name === "last") ? decode : repeat;
  return {
    parameters: z.strictObject({}),
    execute: async (request, models, call) => ({
      kind: "stream",
      parts: generate(Number(request.inputs), createSteps, models, call),
    }),
  };
}

async function* generate(
  tokens: number,
  createSteps: (lease: Lease, tokens: number) => NextToken,
  models: ModelSet,
  call: Call,
): AsyncGenerator<{ token: number }> {
  using lease = await models.lease();
  const next = createSteps(lease, tokens);
  for (let step = 0; step < tokens; step++) {
    await call.checkpoint();
    yield { token: call.trace.measure("infer", () => next(step)) };
  }
}

function decode(lease: Lease, tokens: number): NextToken {
  const caches = CACHES.map((name) => lease.allocate(name, "FP32", cacheShape(tokens)));
  const bind = (prefix: string) =>
    caches.map((handle) => ({ name: `${prefix}.${handle.name}`, handle }));
  const feeds = bind("past_key_values");
  const outputs = bind("present");
  return (step) => {
    const token = [
      floats("x", [1, 1, WIDTH], step),
      int32("last", [1], step),
      int32("total", [], step + 1),
    ];
    const [logits] = lease.model.run([...token, ...feeds], ["logits", ...outputs]);
    return indexOfLargest(logits);
  };
}

function repeat(lease: Lease): NextToken {
  return (step) => {
    const [scores] = lease.model.run([floats("features", DENSE_SHAPE, step)], ["scores"]);
    return indexOfLargest(scores);
  };
}

function floats(name: string, shape: readonly number[], step: number): NumericTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  const values = Float32Array.from({ length }, (_, index) => Math.sin(step * length + index));
  return { name, datatype: "FP32", shape, data: new Uint8Array(values.buffer) };
}

function int32(name: string, shape: readonly number[], value: number): NumericTensor {
  return { name, datatype: "INT32", shape, data: new Uint8Array(Int32Array.of(value).buffer) };
}

function indexOfLargest(tensor: Tensor | undefined): number {
  if (!tensor || tensor.datatype === "BYTES") throw new Error("the scores must be numbers");
  const scores = Array.from(toTypedArray(tensor), Number);
  return scores.indexOf(Math.max(...scores));
}
