import { OnnxError } from "./onnx-scanner.ts";
import { FIXED32, FIXED64, LENGTH_DELIMITED, MAX_VARINT_BYTES, VARINT } from "./wire-format.ts";

/** A field of a message in memory. */
export interface RawField {
  readonly field: number;
  readonly wireType: number;
  /** Of a varint, with its sign; exact up to 2^53. */
  readonly number: number;
  /** Of any other field. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array();

/**
 * The fields of a message that the scanner has passed over.
 * @throws OnnxError
 */
export function* readFields(message: Uint8Array): Generator<RawField> {
  const cursor = { bytes: message, at: 0 };
  while (cursor.at < message.byteLength) {
    const tag = readVarint(cursor);
    const field = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === VARINT) {
      yield { field, wireType, number: readVarint(cursor), bytes: NOTHING };
      continue;
    }
    const length = wireType === LENGTH_DELIMITED ? readVarint(cursor) : fixedLength(wireType);
    const end = cursor.at + length;
    if (end > message.byteLength) throw truncated();
    yield { field, wireType, number: 0, bytes: message.subarray(cursor.at, end) };
    cursor.at = end;
  }
}

/** Numbers of a repeated integer field, in either of its encodings. */
export function* readIntegers({ wireType, number, bytes }: RawField): Generator<number> {
  if (wireType === VARINT) yield number;
  else
    for (const cursor = { bytes, at: 0 }; cursor.at < bytes.byteLength; ) yield readVarint(cursor);
}

/** Numbers of a repeated FP32 field, in either of its encodings. */
export function* readFloats({ bytes }: RawField): Generator<number> {
  if (bytes.byteLength % 4 !== 0) throw truncated();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.byteLength; at += 4) yield view.getFloat32(at, true);
}

/** @returns the number, of 64 bits with a sign; exact up to 2^53 */
export function readVarint(cursor: { readonly bytes: Uint8Array; at: number }): number {
  let value = 0;
  let factor = 1;
  for (let count = 1; ; count++) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined || count > MAX_VARINT_BYTES) throw truncated();
    if (count > LOW_BYTES) return readHigh(cursor, value, byte);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
}

/** Bytes that a double has exactly. */
const LOW_BYTES = 7;
const LOW = 2 ** (7 * LOW_BYTES);
/** What is left of 64 bits. */
const HIGH = 2 ** (64 - 7 * LOW_BYTES);

/** The last bytes of a number, of which the most significant bit of 64 is the sign. */
function readHigh(
  cursor: { readonly bytes: Uint8Array; at: number },
  low: number,
  first: number,
): number {
  let high = first & 0x7f;
  let factor = 128;
  for (let byte = first; byte >= 0x80; factor *= 128) {
    const next = cursor.bytes[cursor.at++];
    if (next === undefined || factor > HIGH * 128) throw truncated();
    high += (next & 0x7f) * factor;
    byte = next;
  }
  high %= HIGH;
  return (high >= HIGH / 2 ? high - HIGH : high) * LOW + low;
}

function fixedLength(wireType: number): number {
  if (wireType === FIXED32) return 4;
  if (wireType === FIXED64) return 8;
  throw truncated();
}

export function truncated(): OnnxError {
  return new OnnxError("the file is not a valid ONNX model: a node of it is not complete");
}
