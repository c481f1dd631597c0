/** Files as a list of their parts, so that parts can be moved and changed and the file written again. */

export interface Part {
  /** Four characters in PNG and RIFF, the marker in JPEG. */
  readonly name: string;
  readonly body: Uint8Array;
}

export interface Container {
  /** What comes before the parts. */
  readonly head: Uint8Array;
  readonly parts: readonly Part[];
  /** What comes after the last part that could be read. */
  readonly tail: Uint8Array;
}

const PNG_HEAD_BYTES = 8;
const RIFF_HEAD_BYTES = 12;
const JPEG_START_OF_SCAN = "da";

export function readPng(bytes: Uint8Array): Container {
  const view = toView(bytes);
  const parts: Part[] = [];
  let offset = PNG_HEAD_BYTES;
  while (offset + 12 <= bytes.length) {
    const end = offset + 8 + view.getUint32(offset);
    if (end + 4 > bytes.length) break;
    parts.push({ name: latin1(bytes, offset + 4), body: bytes.subarray(offset + 8, end) });
    offset = end + 4;
  }
  return { head: bytes.subarray(0, PNG_HEAD_BYTES), parts, tail: bytes.subarray(offset) };
}

/** WebP and WAV. */
export function readRiff(bytes: Uint8Array): Container {
  const view = toView(bytes);
  const parts: Part[] = [];
  let offset = RIFF_HEAD_BYTES;
  while (offset + 8 <= bytes.length) {
    // Samples are cut, so the last chunk may be shorter than it says.
    const end = Math.min(bytes.length, offset + 8 + view.getUint32(offset + 4, true));
    parts.push({ name: latin1(bytes, offset), body: bytes.subarray(offset + 8, end) });
    offset = end + (end % 2);
  }
  return { head: bytes.subarray(0, RIFF_HEAD_BYTES), parts, tail: new Uint8Array() };
}

/** Segments up to the start of the scan; the rest is the tail. */
export function readJpeg(bytes: Uint8Array): Container {
  const view = toView(bytes);
  const parts: Part[] = [];
  let offset = 2;
  while (offset + 4 <= bytes.length && bytes[offset] === 0xff) {
    const end = offset + 2 + view.getUint16(offset + 2);
    const name = (bytes[offset + 1] ?? 0).toString(16);
    if (end > bytes.length) break;
    parts.push({ name, body: bytes.subarray(offset + 4, end) });
    offset = end;
    if (name === JPEG_START_OF_SCAN) break;
  }
  return { head: bytes.subarray(0, 2), parts, tail: bytes.subarray(offset) };
}

function toView({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function latin1(bytes: Uint8Array, offset: number): string {
  return Buffer.from(bytes.subarray(offset, offset + 4)).toString("latin1");
}
