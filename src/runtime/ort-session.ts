import {
  fromOnnxElementType,
  NUMERIC_DATATYPES,
  type NumericDatatype,
  ONNX_STRING,
  toOnnxElementType,
} from "../domain/datatype.ts";
import type { ModelDescription } from "../domain/ports.ts";
import { type Dimension, elementCount, type Tensor, type TensorSpec } from "../domain/tensor.ts";
import { OrtError, type OrtInstance } from "./ort-instance.ts";

const POINTER_BYTES = 4;
const LOG_LEVEL_FATAL = 4;
const GRAPH_OPTIMIZATION_ALL = 99;
const GRAPH_OPTIMIZATION_NONE = 0;
const EXECUTION_SEQUENTIAL = 0;
const DATA_ON_CPU = 1;

export interface SessionOptions {
  readonly format: "onnx" | "ort";
  /** Whether weights are repacked at load time for faster runs, at the price of memory. */
  readonly prepack: boolean;
}

interface Port {
  readonly spec: TensorSpec;
  /** The name as a C string, owned by the session. */
  readonly namePointer: number;
}

/** A model inside an {@link OrtInstance}. All calls are synchronous, so a run is atomic. */
export class OrtSession {
  readonly #instance: OrtInstance;
  readonly #handle: number;
  readonly #inputs = new Map<string, Port>();
  readonly #outputs = new Map<string, Port>();
  /** Model bytes that the session reads for as long as it lives; 0 when it needs none. */
  readonly #pinnedBytes: number;

  /**
   * Creates a session from the model at `address`, whose ownership passes to the session also when
   * this throws.
   * @throws OrtError when the engine refuses the model, or one of its values is not a tensor
   */
  constructor(instance: OrtInstance, address: number, sizeBytes: number, options: SessionOptions) {
    this.#instance = instance;
    const pinned = options.format === "ort";
    let handle = 0;
    try {
      handle = createHandle(instance, address, sizeBytes, options);
    } finally {
      // ONNX bytes are parsed into the session's own; ORT bytes are used where they lie.
      if (!pinned || handle === 0) instance.module._free(address);
    }
    this.#handle = handle;
    this.#pinnedBytes = pinned ? address : 0;
    try {
      this.#readPorts();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  describe(): ModelDescription {
    const specs = (ports: Map<string, Port>): TensorSpec[] =>
      [...ports.values()].map((p) => p.spec);
    return { inputs: specs(this.#inputs), outputs: specs(this.#outputs) };
  }

  /**
   * @param inputs tensors with names of the model's inputs
   * @param outputNames names of the model's outputs
   * @returns copies of the outputs, in the order of `outputNames`
   * @throws OrtError when the engine refuses the run
   */
  run(inputs: readonly Tensor[], outputNames: readonly string[]): Tensor[] {
    const instance = this.#instance;
    const { module } = instance;
    const owned = { tensors: [] as number[], blocks: [] as number[] };
    try {
      return instance.withStack((allocate) => {
        const inputNames = allocate(inputs.length * POINTER_BYTES);
        const inputValues = allocate(inputs.length * POINTER_BYTES);
        const outputNamesAt = allocate(outputNames.length * POINTER_BYTES);
        const outputValues = allocate(outputNames.length * POINTER_BYTES);
        for (const [index, tensor] of inputs.entries()) {
          instance.writePointer(
            inputNames + index * POINTER_BYTES,
            port(this.#inputs, tensor.name),
          );
          const handle = createTensor(instance, tensor, owned.blocks);
          owned.tensors.push(handle);
          instance.writePointer(inputValues + index * POINTER_BYTES, handle);
        }
        for (const [index, name] of outputNames.entries()) {
          instance.writePointer(outputNamesAt + index * POINTER_BYTES, port(this.#outputs, name));
          instance.writePointer(outputValues + index * POINTER_BYTES, 0);
        }
        const status = module._OrtRun(
          this.#handle,
          inputNames,
          inputValues,
          inputs.length,
          outputNamesAt,
          outputNames.length,
          outputValues,
          0,
        );
        instance.check(status, "the run failed");
        const handles = outputNames.map((_, i) =>
          instance.readPointer(outputValues + i * POINTER_BYTES),
        );
        owned.tensors.push(...handles);
        return outputNames.map((name, i) => readTensor(instance, name, handles[i] ?? 0));
      });
    } finally {
      for (const tensor of owned.tensors) module._OrtReleaseTensor(tensor);
      for (const block of owned.blocks) module._free(block);
    }
  }

  release(): void {
    const { module } = this.#instance;
    module._OrtReleaseSession(this.#handle);
    for (const { namePointer } of [...this.#inputs.values(), ...this.#outputs.values()])
      module._OrtFree(namePointer);
    this.#inputs.clear();
    this.#outputs.clear();
    if (this.#pinnedBytes) module._free(this.#pinnedBytes);
  }

  #readPorts(): void {
    const instance = this.#instance;
    const [inputs, outputs] = instance.withStack((allocate) => {
      const address = allocate(2 * POINTER_BYTES);
      const status = instance.module._OrtGetInputOutputCount(
        this.#handle,
        address,
        address + POINTER_BYTES,
      );
      instance.check(status, "the model's inputs could not be counted");
      return [
        instance.readPointer(address),
        instance.readPointer(address + POINTER_BYTES),
      ] as const;
    });
    for (let index = 0; index < inputs + outputs; index++) {
      const isInput = index < inputs;
      const { name, namePointer, elementType, shape } = readMetadata(instance, this.#handle, index);
      const datatype = fromOnnxElementType(elementType);
      const spec = { name, datatype: datatype ?? "BYTES", shape };
      (isInput ? this.#inputs : this.#outputs).set(name, { spec, namePointer });
      if (!datatype)
        throw new OrtError(
          `${isInput ? "input" : "output"} "${name}" is ${elementType === 0 ? "a sequence or map" : `of ONNX element type ${elementType}`}, which cannot be served: only tensors of the protocol's datatypes can (for scikit-learn models, convert with zipmap=False)`,
        );
    }
  }
}

/** @throws OrtError for a name that the model does not have, which callers have checked */
function port(ports: Map<string, Port>, name: string): number {
  const found = ports.get(name);
  if (!found) throw new OrtError(`the model has no value "${name}"`);
  return found.namePointer;
}

function createHandle(
  instance: OrtInstance,
  address: number,
  sizeBytes: number,
  { format, prepack }: SessionOptions,
): number {
  const { module } = instance;
  const options = module._OrtCreateSessionOptions(
    // An ORT file was optimized when it was made.
    format === "ort" ? GRAPH_OPTIMIZATION_NONE : GRAPH_OPTIMIZATION_ALL,
    // No arena: builds for 32 bits have none, whatever is asked for (measured: no difference at all).
    false,
    // No memory patterns: runs are not faster for them (16 models), but the session keeps a plan for
    // each shape it ever saw (26 KB in a transformer: 48 MB of heap became 57 MB after 370 shapes), and
    // without prepacking a second copy of the weights (24 MB of int8: 70 MB of heap instead of 40 MB).
    false,
    EXECUTION_SEQUENTIAL,
    false,
    0,
    0,
    LOG_LEVEL_FATAL,
    0,
    0,
  );
  if (options === 0) throw instance.lastError("session options could not be created");
  try {
    if (!prepack) addConfigEntry(instance, options, "session.disable_prepacking", "1");
    if (format === "ort") {
      // Both are safe only while the bytes stay allocated: with the bytes freed, the second gives
      // wrong outputs without an error. The session pins them.
      addConfigEntry(instance, options, "session.use_ort_model_bytes_directly", "1");
      addConfigEntry(instance, options, "session.use_ort_model_bytes_for_initializers", "1");
    }
    const handle = module._OrtCreateSession(address, sizeBytes, options);
    if (handle === 0) throw instance.lastError("the model was refused");
    return handle;
  } finally {
    module._OrtReleaseSessionOptions(options);
  }
}

function addConfigEntry(instance: OrtInstance, options: number, key: string, value: string): void {
  const { module } = instance;
  const keyPointer = instance.allocateString(key);
  const valuePointer = instance.allocateString(value);
  const status = module._OrtAddSessionConfigEntry(options, keyPointer, valuePointer);
  module._free(keyPointer);
  module._free(valuePointer);
  instance.check(status, `session option ${key} was refused`);
}

function readMetadata(
  instance: OrtInstance,
  session: number,
  index: number,
): { name: string; namePointer: number; elementType: number; shape: Dimension[] } {
  const { module } = instance;
  return instance.withStack((allocate) => {
    const address = allocate(2 * POINTER_BYTES);
    const status = module._OrtGetInputOutputMetadata(
      session,
      index,
      address,
      address + POINTER_BYTES,
    );
    instance.check(status, "the model's inputs and outputs could not be read");
    const namePointer = instance.readPointer(address);
    const metadata = instance.readPointer(address + POINTER_BYTES);
    const name = module.UTF8ToString(namePointer);
    if (metadata === 0) return { name, namePointer, elementType: 0, shape: [] };
    try {
      // Layout: element type, rank, then `rank` pointers to symbolic names, then `rank` sizes.
      const elementType = instance.view.getInt32(metadata, true);
      const rank = elementType === 0 ? 0 : instance.view.getUint32(metadata + 4, true);
      const shape = Array.from({ length: rank }, (_, axis): Dimension => {
        const symbol = instance.readPointer(metadata + 8 + axis * POINTER_BYTES);
        if (symbol !== 0) return module.UTF8ToString(symbol);
        return instance.view.getInt32(metadata + 8 + (rank + axis) * POINTER_BYTES, true);
      });
      return { name, namePointer, elementType, shape };
    } finally {
      module._OrtFree(metadata);
    }
  });
}

/** Copies a tensor to the heap; the blocks it allocates are added to `blocks`. */
function createTensor(instance: OrtInstance, tensor: Tensor, blocks: number[]): number {
  const { module } = instance;
  const { datatype, shape, data } = tensor;
  const allocate = (bytes: number): number => {
    const address = instance.allocate(bytes);
    blocks.push(address);
    return address;
  };
  let address: number;
  let sizeBytes: number;
  if (datatype === "BYTES") {
    sizeBytes = data.length * POINTER_BYTES;
    address = allocate(sizeBytes);
    for (const [index, text] of data.entries()) {
      const pointer = instance.allocateString(text);
      blocks.push(pointer);
      instance.writePointer(address + index * POINTER_BYTES, pointer);
    }
  } else {
    sizeBytes = data.byteLength;
    address = allocate(sizeBytes);
    instance.heap.set(data, address);
  }
  return instance.withStack((allocateOnStack) => {
    const dims = allocateOnStack(Math.max(shape.length, 1) * POINTER_BYTES);
    for (const [axis, size] of shape.entries())
      instance.writePointer(dims + axis * POINTER_BYTES, size);
    const handle = module._OrtCreateTensor(
      toOnnxElementType(datatype),
      address,
      sizeBytes,
      dims,
      shape.length,
      DATA_ON_CPU,
    );
    if (handle === 0) throw instance.lastError(`input "${tensor.name}" was refused`);
    return handle;
  });
}

/** Copies an output out of the heap. */
function readTensor(instance: OrtInstance, name: string, handle: number): Tensor {
  const { module } = instance;
  return instance.withStack((allocate) => {
    const address = allocate(4 * POINTER_BYTES);
    const status = module._OrtGetTensorData(
      handle,
      address,
      address + POINTER_BYTES,
      address + 2 * POINTER_BYTES,
      address + 3 * POINTER_BYTES,
    );
    instance.check(status, `output "${name}" could not be read`);
    const elementType = instance.readPointer(address);
    const data = instance.readPointer(address + POINTER_BYTES);
    const dims = instance.readPointer(address + 2 * POINTER_BYTES);
    const rank = instance.readPointer(address + 3 * POINTER_BYTES);
    const shape = Array.from({ length: rank }, (_, axis) =>
      instance.readPointer(dims + axis * POINTER_BYTES),
    );
    module._OrtFree(dims);
    const elements = elementCount(shape);
    if (elementType === ONNX_STRING) {
      const strings = readStrings(instance, data, elements);
      module._free(data);
      return { name, datatype: "BYTES", shape, data: strings };
    }
    const datatype = fromOnnxElementType(elementType) as NumericDatatype | undefined;
    if (!datatype) throw new OrtError(`output "${name}" is of ONNX element type ${elementType}`);
    const sizeBytes = elements * NUMERIC_DATATYPES[datatype].elementBytes;
    // A copy in ordinary memory: the heap is shared memory, which bodies and hashes refuse.
    const copy = new Uint8Array(sizeBytes);
    copy.set(instance.heap.subarray(data, data + sizeBytes));
    return { name, datatype, shape, data: copy };
  });
}

/** The strings lie end to end; only the last one ends with a NUL. */
function readStrings(instance: OrtInstance, pointers: number, count: number): string[] {
  const start = (index: number): number => instance.readPointer(pointers + index * POINTER_BYTES);
  return Array.from({ length: count }, (_, index) =>
    index === count - 1
      ? instance.module.UTF8ToString(start(index))
      : instance.module.UTF8ToString(start(index), start(index + 1) - start(index)),
  );
}
