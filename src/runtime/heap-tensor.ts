import { NUMERIC_DATATYPES, type NumericDatatype, ONNX_STRING } from "../domain/datatype.ts";
import { elementCount, type NumericTensor } from "../domain/tensor.ts";
import type { BlockCopy } from "../domain/tensor-handle.ts";
import type { OrtInstance } from "./ort-instance.ts";
import {
  copyNumbersOut,
  createOrtValue,
  type HeapTraffic,
  readOrtValue,
  tensorBytes,
  toNumericDatatype,
} from "./tensor-marshalling.ts";

interface HeapTensorFields {
  readonly name: string;
  readonly datatype: NumericDatatype;
  readonly shape: readonly number[];
  readonly dataAddress: number;
  /** The OrtValue. */
  readonly value: number;
  /** Whether the data is a block of ours rather than the OrtValue's own. */
  readonly ownsData: boolean;
}

/**
 * A numeric tensor in an instance's heap that outlives the run that made it. Neither it nor its
 * OrtValue may be used after {@link release}, which nothing here checks: leases do.
 */
export class HeapTensor {
  readonly name: string;
  readonly datatype: NumericDatatype;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
  /** The OrtValue. */
  readonly value: number;
  readonly #instance: OrtInstance;
  readonly #dataAddress: number;
  readonly #ownsData: boolean;

  private constructor(instance: OrtInstance, fields: HeapTensorFields) {
    this.name = fields.name;
    this.datatype = fields.datatype;
    this.shape = fields.shape;
    this.sizeBytes = tensorBytes(fields.datatype, fields.shape);
    this.value = fields.value;
    this.#instance = instance;
    this.#dataAddress = fields.dataAddress;
    this.#ownsData = fields.ownsData;
  }

  /**
   * Allocates a tensor of zeros.
   * @throws OrtError when memory runs out; nothing stays allocated then
   */
  static allocate(
    instance: OrtInstance,
    name: string,
    datatype: NumericDatatype,
    shape: readonly number[],
  ): HeapTensor {
    const sizeBytes = tensorBytes(datatype, shape);
    const dataAddress = instance.allocate(sizeBytes);
    try {
      instance.heap.fill(0, dataAddress, dataAddress + sizeBytes);
      const value = createOrtValue(instance, name, datatype, shape, dataAddress, sizeBytes);
      return new HeapTensor(instance, {
        name,
        datatype,
        shape: [...shape],
        dataAddress,
        value,
        ownsData: true,
      });
    } catch (error) {
      instance.module._free(dataAddress);
      throw error;
    }
  }

  /**
   * Takes an OrtValue that a run allocated; ownership passes when this returns.
   * @throws OrtError when it is not a numeric tensor
   */
  static adopt(instance: OrtInstance, name: string, value: number): HeapTensor {
    const { elementType, dataAddress, shape } = readOrtValue(instance, name, value);
    if (elementType === ONNX_STRING) instance.module._free(dataAddress);
    const datatype = toNumericDatatype(name, elementType);
    return new HeapTensor(instance, { name, datatype, shape, dataAddress, value, ownsData: false });
  }

  /** Overwrites the data. */
  write(data: Uint8Array, traffic: HeapTraffic): void {
    if (data.byteLength !== this.sizeBytes)
      throw new RangeError(
        `tensor "${this.name}" has ${this.sizeBytes} bytes, not ${data.byteLength}`,
      );
    this.#instance.heap.set(data, this.#dataAddress);
    traffic.bytesIn += data.byteLength;
  }

  /**
   * A tensor over some entries of the first dimension: over the same memory, which it does not own.
   * @throws RangeError for entries that the tensor does not have; OrtError when memory runs out
   */
  view(start: number, count: number): HeapTensor {
    const [entries = 0, ...rest] = this.shape;
    if (!(start >= 0 && count >= 0 && start + count <= entries))
      throw new RangeError(
        `tensor "${this.name}" has ${entries} entries, not ${count} from ${start} on`,
      );
    const { name, datatype } = this;
    const shape = [count, ...rest];
    const dataAddress = this.#dataAddress + start * tensorBytes(datatype, rest);
    const sizeBytes = tensorBytes(datatype, shape);
    const instance = this.#instance;
    const value = createOrtValue(instance, name, datatype, shape, dataAddress, sizeBytes);
    return new HeapTensor(instance, { name, datatype, shape, dataAddress, value, ownsData: false });
  }

  /**
   * Copies blocks of elements to another tensor of the same heap and datatype, where they may overlap.
   * @throws RangeError for elements that one of the tensors does not have
   */
  copyTo(target: HeapTensor, { blocks, elements, from, to }: BlockCopy): void {
    if (target.#instance !== this.#instance || target.datatype !== this.datatype)
      throw new Error(`tensors "${this.name}" and "${target.name}" are of different kinds`);
    const { elementBytes } = NUMERIC_DATATYPES[this.datatype];
    for (const [tensor, { start, stride }] of [
      [this, from],
      [target, to],
    ] as const) {
      const end = blocks === 0 ? 0 : start + (blocks - 1) * stride + elements;
      if (!(start >= 0 && elements >= 0 && end <= elementCount(tensor.shape)))
        throw new RangeError(`tensor "${tensor.name}" has not ${end} elements`);
    }
    const { heap } = this.#instance;
    const sizeBytes = elements * elementBytes;
    for (let block = 0; block < blocks; block++) {
      const source = this.#dataAddress + (from.start + block * from.stride) * elementBytes;
      const destination = target.#dataAddress + (to.start + block * to.stride) * elementBytes;
      heap.copyWithin(destination, source, source + sizeBytes);
    }
  }

  /** Copies the data out of the heap. */
  read(traffic: HeapTraffic): NumericTensor {
    const { name, datatype, shape } = this;
    const dataAddress = this.#dataAddress;
    return copyNumbersOut(this.#instance, { name, datatype, shape, dataAddress }, traffic);
  }

  /** @throws RangeError for elements that the tensor does not have */
  readElements(start: number, count: number, traffic: HeapTraffic): Uint8Array {
    const total = elementCount(this.shape);
    if (!(start >= 0 && count >= 0 && start + count <= total))
      throw new RangeError(
        `tensor "${this.name}" has ${total} elements, not ${count} from ${start} on`,
      );
    const { elementBytes } = NUMERIC_DATATYPES[this.datatype];
    const dataAddress = this.#dataAddress + start * elementBytes;
    const { name, datatype } = this;
    const part = { name, datatype, shape: [count], dataAddress };
    return copyNumbersOut(this.#instance, part, traffic).data;
  }

  release(): void {
    const { module } = this.#instance;
    module._OrtReleaseTensor(this.value);
    if (this.#ownsData) module._free(this.#dataAddress);
  }
}
