import type { ModelDescription } from "../domain/ports.ts";
import type { Tensor, TensorSpec } from "../domain/tensor.ts";
import { createSession, type SessionOptions } from "./create-session.ts";
import { HeapTensor } from "./heap-tensor.ts";
import type { PackableWeights, QuantizedMatmul } from "./kernels/quantized-matmul.ts";
import { type ModelValue, type ModelValues, readModelValues } from "./model-values.ts";
import { OrtError, type OrtInstance, POINTER_BYTES } from "./ort-instance.ts";
import { copyIn, copyOut, type HeapTraffic } from "./tensor-marshalling.ts";

/** A tensor in the heap under the name of the input that it is fed to, or the output that is written to it. */
export interface HeapBinding {
  readonly name: string;
  readonly tensor: HeapTensor;
}

/** A tensor to copy in, or one that is in the heap already. */
export type SessionFeed = Tensor | HeapBinding;

/** An output to copy out, by name; to keep in the heap; or to be written to a tensor there. */
export type SessionOutput = string | { readonly name: string; readonly keep: true } | HeapBinding;

/** A model inside an {@link OrtInstance}. All calls are synchronous, so a run is atomic. */
export class OrtSession {
  readonly instance: OrtInstance;
  readonly #pointer: number;
  readonly #values: ModelValues = { inputs: new Map(), outputs: new Map() };
  /** Model bytes that the session reads for as long as it lives; 0 when it needs none. */
  readonly #pinnedBytes: number;
  readonly #traffic: HeapTraffic;
  /** Those of an ORT file, in an engine whose products can keep them packed. */
  readonly weights: PackableWeights | undefined;

  /**
   * Creates a session from the model at `address`, whose ownership passes to the session also when
   * this throws.
   * @param traffic counts the bytes that runs copy
   * @param matmul of the instance, where it has one
   * @throws OrtError when the engine refuses the model, or one of its values is not a tensor
   */
  constructor(
    instance: OrtInstance,
    address: number,
    sizeBytes: number,
    options: SessionOptions,
    traffic: HeapTraffic = { bytesIn: 0, bytesOut: 0 },
    matmul?: QuantizedMatmul,
  ) {
    this.instance = instance;
    this.#traffic = traffic;
    const pinned = options.format === "ort";
    let pointer = 0;
    try {
      pointer = createSession(instance, address, sizeBytes, options);
    } finally {
      // ONNX bytes are parsed into the session's own; ORT bytes are used where they lie.
      if (!pinned || pointer === 0) instance.module._free(address);
    }
    this.#pointer = pointer;
    this.#pinnedBytes = pinned ? address : 0;
    this.weights = pinned ? matmul?.weights(address, address + sizeBytes) : undefined;
    try {
      readModelValues(instance, pointer, this.#values);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  describe(): ModelDescription {
    const specs = (values: Map<string, ModelValue>): TensorSpec[] =>
      [...values.values()].map(({ spec }) => spec);
    return { inputs: specs(this.#values.inputs), outputs: specs(this.#values.outputs) };
  }

  input(name: string): TensorSpec | undefined {
    return this.#values.inputs.get(name)?.spec;
  }

  output(name: string): TensorSpec | undefined {
    return this.#values.outputs.get(name)?.spec;
  }

  /**
   * Runs the model once.
   * @param feeds tensors with names of the model's inputs, and of initializers that may be given
   * @param outputs names of the model's outputs
   * @returns copies of the outputs, in the order of `outputs`
   * @throws OrtError when the engine refuses the run
   */
  run(feeds: readonly Tensor[], outputs: readonly string[]): Tensor[];
  /**
   * The same with tensors that stay in the heap. The engine reads a fed {@link HeapTensor} and writes
   * to a bound one where they are; one tensor may be both when the model's operators allow that.
   * @returns for each output its copy, the tensor that was kept (the caller releases it), or the bound one
   */
  run(feeds: readonly SessionFeed[], outputs: readonly SessionOutput[]): (Tensor | HeapTensor)[];
  run(feeds: readonly SessionFeed[], outputs: readonly SessionOutput[]): (Tensor | HeapTensor)[] {
    const { instance } = this;
    const { module } = instance;
    const owned = { values: [] as number[], blocks: [] as number[] };
    try {
      return instance.withStack((allocate) => {
        const inputNames = allocate(feeds.length * POINTER_BYTES);
        const inputValues = allocate(feeds.length * POINTER_BYTES);
        const outputNames = allocate(outputs.length * POINTER_BYTES);
        const outputValues = allocate(outputs.length * POINTER_BYTES);
        for (const [index, feed] of feeds.entries()) {
          const offset = index * POINTER_BYTES;
          const name =
            this.#values.inputs.get(feed.name)?.namePointer ??
            writeName(instance, allocate, feed.name);
          instance.writePointer(inputNames + offset, name);
          instance.writePointer(inputValues + offset, this.#feed(feed, owned));
        }
        for (const [index, output] of outputs.entries()) {
          const offset = index * POINTER_BYTES;
          const name = typeof output === "string" ? output : output.name;
          instance.writePointer(outputNames + offset, namePointer(this.#values.outputs, name));
          instance.writePointer(outputValues + offset, boundValue(output));
        }
        const status = module._OrtRun(
          this.#pointer,
          inputNames,
          inputValues,
          feeds.length,
          outputNames,
          outputs.length,
          outputValues,
          0,
        );
        instance.check(status, "the run failed");
        return this.#collect(outputs, outputValues, owned.values);
      });
    } finally {
      for (const value of owned.values) module._OrtReleaseTensor(value);
      for (const block of owned.blocks) module._free(block);
    }
  }

  release(): void {
    const { module } = this.instance;
    const { inputs, outputs } = this.#values;
    module._OrtReleaseSession(this.#pointer);
    this.weights?.release();
    for (const { namePointer } of [...inputs.values(), ...outputs.values()])
      module._OrtFree(namePointer);
    inputs.clear();
    outputs.clear();
    if (this.#pinnedBytes) module._free(this.#pinnedBytes);
  }

  /** The OrtValue of a feed; what had to be made for it is added to `owned`. */
  #feed(feed: SessionFeed, owned: { values: number[]; blocks: number[] }): number {
    if ("tensor" in feed) return feed.tensor.value;
    const value = copyIn(this.instance, feed, owned.blocks, this.#traffic);
    owned.values.push(value);
    return value;
  }

  /** Makes results of the OrtValues of a run; those to be released after it are added to `owned`. */
  #collect(
    outputs: readonly SessionOutput[],
    values: number,
    owned: number[],
  ): (Tensor | HeapTensor)[] {
    const { instance } = this;
    // The kept ones first as well, so that a failure below releases them.
    for (const [index, output] of outputs.entries())
      if (boundValue(output) === 0)
        owned.push(instance.readPointer(values + index * POINTER_BYTES));
    const kept: number[] = [];
    const results = outputs.map((output, index) => {
      const value = instance.readPointer(values + index * POINTER_BYTES);
      if (typeof output === "string") return copyOut(instance, output, value, this.#traffic);
      if ("tensor" in output) return output.tensor;
      kept.push(value);
      return HeapTensor.adopt(instance, output.name, value);
    });
    for (const value of kept) owned.splice(owned.indexOf(value), 1);
    return results;
  }
}

/** The OrtValue that an output is written to; 0 lets the engine allocate one. */
function boundValue(output: SessionOutput): number {
  return typeof output !== "string" && "tensor" in output ? output.tensor.value : 0;
}

/** For an input with a default, which the engine does not list among the inputs; it refuses a name that it does not know. */
function writeName(
  instance: OrtInstance,
  allocate: (bytes: number) => number,
  name: string,
): number {
  const { module } = instance;
  const sizeBytes = module.lengthBytesUTF8(name) + 1;
  const address = allocate(sizeBytes);
  module.stringToUTF8(name, address, sizeBytes);
  return address;
}

/** @throws OrtError for a name that the model does not have, which callers have checked */
function namePointer(values: Map<string, ModelValue>, name: string): number {
  const found = values.get(name);
  if (!found) throw new OrtError(`the model has no value "${name}"`);
  return found.namePointer;
}
