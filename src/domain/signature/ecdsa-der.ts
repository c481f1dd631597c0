import { SignatureError } from "./signature-error.ts";

/**
 * ECDSA signatures are two integers: in bundles by DER (RFC 3279, section 2.2.3), in WebCrypto one after the other, each with
 * as many bytes as the order of the curve.
 */
const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** A length that takes a byte of its own. */
const LONG_LENGTH = 0x81;

/** @throws SignatureError */
export function fromDer(der: Uint8Array, orderBytes: number): Uint8Array<ArrayBuffer> {
  const sequence = readElement(der, 0, SEQUENCE);
  const first = readElement(sequence.content, 0, INTEGER);
  const second = readElement(sequence.content, first.end, INTEGER);
  if (sequence.end !== der.byteLength || second.end !== sequence.content.byteLength) throw notDer();
  const raw = new Uint8Array(2 * orderBytes);
  for (const [index, { content }] of [first, second].entries()) {
    const digits = content[0] === 0 ? content.subarray(1) : content;
    if (digits.byteLength > orderBytes) throw notDer();
    raw.set(digits, (index + 1) * orderBytes - digits.byteLength);
  }
  return raw;
}

function readElement(
  der: Uint8Array,
  start: number,
  tag: number,
): { content: Uint8Array; end: number } {
  const isLong = der[start + 1] === LONG_LENGTH;
  const length = der[start + (isLong ? 2 : 1)];
  const from = start + (isLong ? 3 : 2);
  if (der[start] !== tag || length === undefined || (!isLong && length >= 0x80)) throw notDer();
  const end = from + length;
  if (length === 0 || end > der.byteLength) throw notDer();
  return { content: der.subarray(from, end), end };
}

function notDer(): SignatureError {
  return new SignatureError("its ECDSA signature is not DER");
}
