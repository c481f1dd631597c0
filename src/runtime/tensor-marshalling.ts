import {
  type Datatype,
  fromOnnxElementType,
  NUMERIC_DATATYPES,
  type NumericDatatype,
  ONNX_STRING,
  toOnnxElementType,
} from "../domain/datatype.ts";
import { elementCount, type NumericTensor, type Tensor } from "../domain/tensor.ts";
import { OrtError, type OrtInstance, POINTER_BYTES } from "./ort-instance.ts";
import { copyTextsIn, copyTextsOut, writeTextsWithNul } from "./string-tensor.ts";

const DATA_ON_CPU = 1;

/** Bytes of tensors that were copied between JavaScript and wasm heaps; names and shapes do not count. */
export interface HeapTraffic {
  bytesIn: number;
  bytesOut: number;
}

/** What an OrtValue holds. */
export interface OrtValueInfo {
  readonly elementType: number;
  readonly dataAddress: number;
  readonly shape: number[];
}

/**
 * Copies a tensor into the heap.
 * @param blocks gets the addresses that were allocated for it, also when this throws
 * @returns an OrtValue over those blocks, to be released before they are freed
 * @throws OrtError when memory runs out or the engine refuses the tensor
 */
export function copyIn(
  instance: OrtInstance,
  tensor: Tensor,
  blocks: number[],
  traffic: HeapTraffic,
): number {
  const { name, datatype, shape, data } = tensor;
  if (datatype === "BYTES") {
    const { address, withNul } = copyTextsIn(instance, data, blocks, traffic);
    const sizeBytes = data.length * POINTER_BYTES;
    const value = createOrtValue(instance, name, datatype, shape, address, sizeBytes);
    try {
      writeTextsWithNul(instance, name, value, withNul);
    } catch (error) {
      instance.module._OrtReleaseTensor(value);
      throw error;
    }
    return value;
  }
  const sizeBytes = data.byteLength;
  const address = instance.allocate(sizeBytes);
  blocks.push(address);
  instance.heap.set(data, address);
  traffic.bytesIn += sizeBytes;
  return createOrtValue(instance, name, datatype, shape, address, sizeBytes);
}

/**
 * An OrtValue over data in the heap, which it does not own.
 * @throws OrtError when the engine refuses it
 */
export function createOrtValue(
  instance: OrtInstance,
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  address: number,
  sizeBytes: number,
): number {
  return instance.withStack((allocate) => {
    const dims = allocate(Math.max(shape.length, 1) * POINTER_BYTES);
    for (const [axis, size] of shape.entries())
      instance.writePointer(dims + axis * POINTER_BYTES, size);
    const value = instance.module._OrtCreateTensor(
      toOnnxElementType(datatype),
      address,
      sizeBytes,
      dims,
      shape.length,
      DATA_ON_CPU,
    );
    if (value === 0) throw instance.lastError(`tensor "${name}" was refused`);
    return value;
  });
}

/**
 * The data of strings is a block of its own, which the caller frees with `_free`; that of any other
 * datatype belongs to the OrtValue.
 * @throws OrtError when the OrtValue cannot be read
 */
export function readOrtValue(instance: OrtInstance, name: string, value: number): OrtValueInfo {
  const { module } = instance;
  return instance.withStack((allocate) => {
    const address = allocate(4 * POINTER_BYTES);
    const status = module._OrtGetTensorData(
      value,
      address,
      address + POINTER_BYTES,
      address + 2 * POINTER_BYTES,
      address + 3 * POINTER_BYTES,
    );
    instance.check(status, `output "${name}" could not be read`);
    const elementType = instance.readPointer(address);
    const dataAddress = instance.readPointer(address + POINTER_BYTES);
    const dims = instance.readPointer(address + 2 * POINTER_BYTES);
    const rank = instance.readPointer(address + 3 * POINTER_BYTES);
    const shape = Array.from({ length: rank }, (_, axis) =>
      instance.readPointer(dims + axis * POINTER_BYTES),
    );
    module._OrtFree(dims);
    return { elementType, dataAddress, shape };
  });
}

/**
 * Copies a tensor out of the heap.
 * @throws OrtError when it is of a datatype that the protocol does not have, or has a text that is not UTF-8
 */
export function copyOut(
  instance: OrtInstance,
  name: string,
  value: number,
  traffic: HeapTraffic,
): Tensor {
  const { elementType, dataAddress, shape } = readOrtValue(instance, name, value);
  if (elementType === ONNX_STRING) {
    try {
      const strings = { name, value, pointers: dataAddress };
      const data = copyTextsOut(instance, strings, elementCount(shape), traffic);
      return { name, datatype: "BYTES", shape, data };
    } finally {
      instance.module._free(dataAddress);
    }
  }
  const datatype = toNumericDatatype(name, elementType);
  return copyNumbersOut(instance, { name, datatype, shape, dataAddress }, traffic);
}

/** @throws OrtError for an element type that the protocol does not have, and for strings */
export function toNumericDatatype(name: string, elementType: number): NumericDatatype {
  const datatype = fromOnnxElementType(elementType);
  if (!datatype || datatype === "BYTES")
    throw new OrtError(`output "${name}" is of ONNX element type ${elementType}`);
  return datatype;
}

/** Numbers in the heap: `dataAddress` is where they begin. */
export interface HeapNumbers {
  readonly name: string;
  readonly datatype: NumericDatatype;
  readonly shape: readonly number[];
  readonly dataAddress: number;
}

export function copyNumbersOut(
  instance: OrtInstance,
  { name, datatype, shape, dataAddress }: HeapNumbers,
  traffic: HeapTraffic,
): NumericTensor {
  const sizeBytes = tensorBytes(datatype, shape);
  // A copy in ordinary memory: the heap is shared memory, which bodies and hashes refuse.
  const data = new Uint8Array(sizeBytes);
  data.set(instance.heap.subarray(dataAddress, dataAddress + sizeBytes));
  traffic.bytesOut += sizeBytes;
  return { name, datatype, shape, data };
}

/** The size of a tensor's data in bytes. */
export function tensorBytes(datatype: NumericDatatype, shape: readonly number[]): number {
  return elementCount(shape) * NUMERIC_DATATYPES[datatype].elementBytes;
}
