import type { AudioWindowsBlock } from "../../domain/blocks/preprocess/audio-windows.ts";
import {
  type Dimension,
  elementCount,
  type NumericTensor,
  type Tensor,
  type TensorSpec,
  toBytes,
  toTypedArray,
} from "../../domain/tensor.ts";
import { fromJsonData } from "../../domain/tensor-json.ts";
import { notFinite, outputMismatch } from "../output-errors.ts";
import type { ModelSet } from "../task.ts";

/** A model that reads windows of a signal in their order, and a state that each run returns. */
export interface RecurrentModel {
  /** Values of all state tensors together. */
  readonly stateLength: number;
  /**
   * @param windows rows of context and new samples, in row-major order, all of them in one run
   * @param state the values of the state tensors, one tensor after the other
   * @returns one value of the output for each window, and the state after the last of them
   * @throws ApiError `inference_failed` for values that are not finite, `task_not_supported` for outputs of another
   *   shape
   */
  step(
    models: Pick<ModelSet, "infer">,
    windows: Float32Array,
    count: number,
    state: Float32Array,
  ): Promise<{ values: Float32Array; state: Float32Array }>;
}

/**
 * @param output the output with one value for each window
 * @param specOf the model's inputs by their names
 */
export function createRecurrentModel(
  block: Omit<AudioWindowsBlock, "type" | "version" | "sampleRate" | "maxSeconds">,
  output: string,
  specOf: (input: string) => TensorSpec,
): RecurrentModel {
  const width = block.contextSamples + block.windowSamples;
  const states = block.state.map(({ input }) => ({
    name: input,
    shape: ofOne(specOf(input).shape),
  }));
  const constants = block.constants.map(({ input, value }) => {
    const { name, datatype, shape } = specOf(input);
    const sizes = ofOne(shape);
    const values = Array.from({ length: elementCount(sizes) }, () => value);
    return fromJsonData(name, datatype, sizes, values);
  });
  const outputs = [output, ...block.state.map((pair) => pair.output)];
  const stateLength = states.reduce((sum, { shape }) => sum + elementCount(shape), 0);

  return {
    stateLength,
    async step(models, windows, count, state) {
      let offset = 0;
      const stateTensors = states.map(({ name, shape }) => {
        const length = elementCount(shape);
        const tensor = toTensor(name, shape, state.subarray(offset, offset + length));
        offset += length;
        return tensor;
      });
      const input = toTensor(block.input, [count, width], windows);
      const results = await models.infer([input, ...stateTensors, ...constants], outputs);
      const [values, ...next] = results.map((result) => toFloats(result));
      if (values?.length !== count)
        throw outputMismatch(results[0], `a value for each of ${count} windows`);
      const after = new Float32Array(stateLength);
      offset = 0;
      for (const [index, { name, shape }] of states.entries()) {
        const part = next[index];
        if (part?.length !== elementCount(shape))
          throw outputMismatch(
            results[index + 1],
            `the ${elementCount(shape)} values of "${name}"`,
          );
        after.set(part, offset);
        offset += part.length;
      }
      return { values, state: after };
    },
  };
}

/** A shape with each dynamic dimension, which is a batch of streams, at 1. */
function ofOne(shape: readonly Dimension[]): number[] {
  return shape.map((size) => (typeof size === "number" && size >= 0 ? size : 1));
}

function toTensor(name: string, shape: readonly number[], values: Float32Array): NumericTensor {
  return { name, datatype: "FP32", shape, data: toBytes(values) };
}

function toFloats(tensor: Tensor): Float32Array {
  if (tensor.datatype !== "FP32") throw outputMismatch(tensor, "FP32");
  const values = toTypedArray(tensor) as Float32Array;
  if (!values.every(Number.isFinite)) throw notFinite(tensor.name);
  return values;
}
