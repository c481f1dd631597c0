import { createCall } from "../../src/domain/call.ts";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";
import type { Dimension, NumericTensor, Tensor } from "../../src/domain/tensor.ts";
import { toBytes, toTypedArray } from "../../src/domain/tensor.ts";
import { createTask } from "../../src/tasks/registry.ts";
import type { ModelSet } from "../../src/tasks/task.ts";

/** A model of sounds whose outputs a function computes, window by window. */
export interface SoundModel {
  readonly task: string;
  readonly input: readonly Dimension[];
  readonly output: readonly Dimension[];
  readonly preprocess: object;
  readonly postprocess: object;
  readonly labels?: readonly string[];
}

export const soundManifest = ({ task, input, output, labels, ...blocks }: SoundModel): Manifest =>
  parseManifest({
    schemaVersion: 1,
    name: "sounds",
    version: "1",
    format: "onnx",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256: "0".repeat(64), sizeBytes: 1 }],
    inputs: [{ name: "x", datatype: "FP32", shape: input }],
    outputs: [{ name: "y", datatype: "FP32", shape: output }],
    labels,
    task,
    createdAt: "2026-11-22T00:00:00Z",
    ...blocks,
  });

/** What a run got. */
export interface SoundRun {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * Executes the task.
 * @param outputOf the shape and the numbers of the output of a run
 */
export async function hear(
  model: SoundModel,
  inputs: unknown,
  parameters: Readonly<Record<string, unknown>>,
  outputOf: (run: SoundRun) => {
    readonly shape: readonly number[];
    readonly values: readonly number[];
  },
): Promise<{ readonly value: unknown; readonly runs: readonly SoundRun[] }> {
  const task = await createTask(soundManifest(model), async () => new Uint8Array(), {} as never);
  const runs: SoundRun[] = [];
  const models = {
    async infer([tensor]: readonly Tensor[]): Promise<Tensor[]> {
      const { shape } = tensor as NumericTensor;
      const run = { shape, values: toTypedArray(tensor as NumericTensor) as Float32Array };
      runs.push(run);
      const { shape: given, values } = outputOf(run);
      return [
        { name: "y", datatype: "FP32", shape: given, data: toBytes(Float32Array.from(values)) },
      ];
    },
  } as unknown as ModelSet;
  const result = await task.execute({ inputs, parameters }, models, createCall());
  if (result.kind !== "value") throw new Error("the result is a stream");
  return { value: result.value, runs };
}
