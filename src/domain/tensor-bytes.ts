import { NUMERIC_DATATYPES } from "./datatype.ts";
import { elementCount, type Tensor, type TensorSpec } from "./tensor.ts";

/**
 * The data of a tensor as bytes: numbers as they are, little-endian and row-major; an element of
 * `BYTES` as its length in 4 bytes and then its UTF-8. Source: the binary tensor data extension.
 */

const LENGTH_BYTES = 4;
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/** Serializes the data of a tensor; numbers are not copied. */
export function toTensorBytes(tensor: Tensor): Uint8Array {
  if (tensor.datatype !== "BYTES") return tensor.data;
  const elements = tensor.data.map((text) => ENCODER.encode(text));
  const sizeBytes = elements.reduce((sum, { byteLength }) => sum + LENGTH_BYTES + byteLength, 0);
  const bytes = new Uint8Array(sizeBytes);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const element of elements) {
    view.setUint32(offset, element.byteLength, true);
    bytes.set(element, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + element.byteLength;
  }
  return bytes;
}

/**
 * The inverse of {@link toTensorBytes}; numbers are not copied.
 * @throws RangeError when the bytes do not match the datatype and shape
 */
export function fromTensorBytes(
  { name, datatype }: Pick<TensorSpec, "name" | "datatype">,
  shape: readonly number[],
  bytes: Uint8Array,
): Tensor {
  const elements = elementCount(shape);
  if (datatype === "BYTES") {
    const data = [...splitElements(bytes)].map(decodeElement);
    if (data.length === elements) return { name, datatype, shape, data };
    throw new RangeError(`${data.length} elements instead of ${elements}`);
  }
  const expected = elements * NUMERIC_DATATYPES[datatype].elementBytes;
  if (bytes.byteLength === expected) return { name, datatype, shape, data: bytes };
  throw new RangeError(`${bytes.byteLength} bytes instead of ${expected}`);
}

/**
 * The elements of `BYTES` data, not copied.
 * @throws RangeError when an element is longer than the remaining data
 */
export function* splitElements(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset < bytes.byteLength) {
    const start = offset + LENGTH_BYTES;
    const end = start <= bytes.byteLength ? start + view.getUint32(offset, true) : Infinity;
    if (end > bytes.byteLength)
      throw new RangeError("an element is longer than the remaining data");
    yield bytes.subarray(start, end);
    offset = end;
  }
}

/** @throws TypeError when the bytes are not UTF-8 */
export function decodeElement(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}
