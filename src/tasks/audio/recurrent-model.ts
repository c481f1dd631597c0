import { ApiError } from "../../domain/errors.ts";
import type { Preprocess } from "../../domain/manifest.ts";
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
import type { ModelSet } from "../task.ts";

type AudioWindows = Extract<Preprocess, { type: "audio-windows" }>;

/** A model that takes windows of a signal in their order, and a state that each run gives back. */
export interface RecurrentModel {
  /** Values of all state tensors together. */
  readonly stateLength: number;
  /**
   * @param windows rows of context and new samples, in row-major order, all of them in one run
   * @param state the values of the state tensors, one tensor after the other
   * @returns one value of the output for each window, and the state after the last of them
   * @throws ApiError `inference_failed` for values that are not finite
   */
  step(
    models: ModelSet,
    windows: Float32Array,
    count: number,
    state: Float32Array,
  ): Promise<{ values: Float32Array; state: Float32Array }>;
}

/** @param output the output with one value for each window */
export function createRecurrentModel(
  block: AudioWindows,
  output: string,
  inputs: readonly TensorSpec[],
): RecurrentModel {
  const specOf = (name: string): TensorSpec => {
    const spec = inputs.find((candidate) => candidate.name === name);
    if (!spec) throw new Error(`no input ${name}`);
    return spec;
  };
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
        throw new Error(`output "${output}" has ${values?.length} values for ${count} windows`);
      const after = new Float32Array(stateLength);
      offset = 0;
      for (const [index, { name, shape }] of states.entries()) {
        const part = next[index];
        if (part?.length !== elementCount(shape))
          throw new Error(`the state of "${name}" has ${part?.length} values after a run`);
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
  if (tensor.datatype !== "FP32")
    throw new Error(`output "${tensor.name}" is ${tensor.datatype}, not FP32`);
  const values = toTypedArray(tensor) as Float32Array;
  if (!values.every(Number.isFinite))
    throw new ApiError(
      "inference_failed",
      `The model answered with NaN or infinity in output "${tensor.name}": the input is outside what it can compute.`,
    );
  return values;
}
