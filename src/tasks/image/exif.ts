import type { Orientation } from "./image-header.ts";

const ORIENTATION_TAG = 0x0112;

/** TIFF headers that Pillow reads; two have their version in the other byte order. Whether numbers are little-endian. */
const HEADERS: ReadonlyMap<number, boolean> = new Map([
  [0x49492a00, true],
  [0x4949002a, true],
  [0x4d4d002a, false],
  [0x4d4d2a00, false],
  [0x4d4d002b, false],
]);

interface FieldType {
  readonly bytes: number;
  /** The first number of a field; of text and plain bytes none. */
  read?(view: DataView, offset: number, littleEndian: boolean): number;
}

/** By their numbers in TIFF 6.0, section 2, and of BigTIFF (16). A rational that is an integer counts as one. */
const FIELD_TYPES: ReadonlyMap<number, FieldType> = new Map<number, FieldType>([
  [1, { bytes: 1 }],
  [2, { bytes: 1 }],
  [3, { bytes: 2, read: (view, at, little) => view.getUint16(at, little) }],
  [4, { bytes: 4, read: (view, at, little) => view.getUint32(at, little) }],
  [
    5,
    {
      bytes: 8,
      read: (view, at, little) => view.getUint32(at, little) / view.getUint32(at + 4, little),
    },
  ],
  [6, { bytes: 1, read: (view, at) => view.getInt8(at) }],
  [7, { bytes: 1 }],
  [8, { bytes: 2, read: (view, at, little) => view.getInt16(at, little) }],
  [9, { bytes: 4, read: (view, at, little) => view.getInt32(at, little) }],
  [
    10,
    {
      bytes: 8,
      read: (view, at, little) => view.getInt32(at, little) / view.getInt32(at + 4, little),
    },
  ],
  [11, { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) }],
  [12, { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) }],
  [13, { bytes: 4, read: (view, at, little) => view.getUint32(at, little) }],
  [16, { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) }],
]);

/**
 * The orientation of EXIF data, by the rules of Pillow's `Image.getexif` and `ImageFileDirectory_v2.load` (Pillow 13): of any
 * type of number, and as far as the first directory can be read.
 * @param exif a TIFF file, after up to two `Exif\0\0`
 * @returns 1 for data that are no TIFF file, and for a value that is no orientation; `undefined` where there is none
 */
export function readExifOrientation(exif: Uint8Array): Orientation | undefined {
  const start = prefixLength(exif);
  const length = exif.length - start;
  if (length === 0) return undefined;
  const view = new DataView(exif.buffer, exif.byteOffset + start, length);
  const little = length < 8 ? undefined : HEADERS.get(view.getUint32(0));
  if (little === undefined) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > length) return undefined;
  const end = directory + 2 + 12 * view.getUint16(directory, little);
  const known = new Set<number>();
  let valueBytes = 0;
  for (let entry = directory + 2; entry < end && entry + 12 <= length; entry += 12) {
    const tag = view.getUint16(entry, little);
    const type = FIELD_TYPES.get(view.getUint16(entry + 2, little));
    if (!type || known.has(tag)) continue;
    const size = type.bytes * view.getUint32(entry + 4, little);
    let at = entry + 8;
    if (size > 4) {
      valueBytes += size;
      if (valueBytes > length) continue;
      at = view.getUint32(at, little);
      // Pillow stops here: the directory is not to be trusted.
      if (at + size > length) return undefined;
    }
    if (size === 0) continue;
    if (tag === ORIENTATION_TAG) return toOrientation(type.read?.(view, at, little));
    known.add(tag);
  }
  return undefined;
}

/** A number as an orientation: 1 unless it is one. */
export function toOrientation(value: number | undefined): Orientation {
  const valid = value !== undefined && Number.isInteger(value) && value >= 1 && value <= 8;
  return valid ? (value as Orientation) : 1;
}

const PREFIX = [0x45, 0x78, 0x69, 0x66, 0, 0];

function prefixLength(exif: Uint8Array): number {
  let length = 0;
  while (length < 2 * PREFIX.length && PREFIX.every((byte, at) => exif[length + at] === byte))
    length += PREFIX.length;
  return length;
}
