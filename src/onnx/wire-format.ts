/**
 * The wire format of protocol buffers, as far as ONNX files need it.
 * Source: https://protobuf.dev/programming-guides/encoding/
 */

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

/** A 64-bit number takes at most this many bytes. */
export const MAX_VARINT_BYTES = 10;
/** The largest field number. */
export const MAX_FIELD = 536_870_911;

const ENCODER = new TextEncoder();

/** @param value a non-negative integer up to 2^53 - 1 */
export function encodeVarint(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.of(...bytes, rest);
}

/** A field with the bytes of a message, or with a text. */
export function encodeField(
  field: number,
  value: string | Uint8Array | readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const parts =
    typeof value === "string"
      ? [ENCODER.encode(value)]
      : value instanceof Uint8Array
        ? [value]
        : value;
  const sizeBytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const head = encodeFieldHead(field, sizeBytes);
  const bytes = new Uint8Array(head.byteLength + sizeBytes);
  bytes.set(head);
  let at = head.byteLength;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

/** What precedes the `sizeBytes` bytes of a field. */
export function encodeFieldHead(field: number, sizeBytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(...encodeVarint(field * 8 + LENGTH_DELIMITED), ...encodeVarint(sizeBytes));
}

/** @param value a non-negative integer up to 2^53 - 1 */
export function encodeNumberField(field: number, value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(...encodeVarint(field * 8 + VARINT), ...encodeVarint(value));
}
