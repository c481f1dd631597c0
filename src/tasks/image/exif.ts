import type { Orientation } from "./image-header.ts";

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;

/** From EXIF data (a TIFF header with its first directory); 1 where these are not valid. */
export function readOrientation(exif: Uint8Array): Orientation {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  if (exif.length < 14) return 1;
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const little = order === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > exif.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let entry = 0; entry < entries; entry++) {
    const offset = directory + 2 + 12 * entry;
    if (offset + 12 > exif.length) return 1;
    if (view.getUint16(offset, little) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(offset + 8, little);
    const valid = view.getUint16(offset + 2, little) === SHORT && value >= 1 && value <= 8;
    return valid ? (value as Orientation) : 1;
  }
  return 1;
}
