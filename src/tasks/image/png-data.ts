import type { Call } from "../../domain/call.ts";
import type { ByteReader } from "./byte-reader.ts";
import { inflate } from "./inflate.ts";

/** The fields of IHDR that determine the size of the data. */
export interface PngSize {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly colorType: number;
  readonly isInterlaced: boolean;
}

/** Samples of a pixel by colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Adam7: the first column and row of each pass, and its steps. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** What the decoder may inflate beyond the pixels: it reads the data to their end. */
const MAX_SURPLUS_BYTES = 2 ** 25;
/** A byte of deflate becomes 1,032 bytes at most. */
const MAX_RATIO = 1032;

/** The bytes of an image's rows, each after its filter type: PNG (third edition), section 7.3. */
export function rowBytes(size: PngSize): number {
  const { width, height } = size;
  if (!size.isInterlaced) return passBytes(size, width, height);
  return PASSES.reduce((sum, [left, top, across, down]) => {
    const columns = Math.ceil((width - left) / across);
    const rows = Math.ceil((height - top) / down);
    return sum + passBytes(size, columns, rows);
  }, 0);
}

function passBytes({ bitDepth, colorType }: PngSize, width: number, height: number): number {
  if (width <= 0 || height <= 0) return 0;
  return height * (1 + Math.ceil((width * bitDepth * (SAMPLES[colorType] ?? 0)) / 8));
}

/**
 * Refuses data that inflate to more than the pixels: a file of 16 MB could keep a decoder busy for 20 seconds. Small data,
 * which cannot, are not inflated for it.
 * @param data the bodies of the chunks IDAT
 */
export async function refuseSurplus(
  data: readonly Uint8Array[],
  size: PngSize,
  reader: ByteReader,
  checkpoint: Call["checkpoint"],
): Promise<void> {
  const limit = rowBytes(size) + MAX_SURPLUS_BYTES;
  const compressed = data.reduce((sum, { length }) => sum + length, 0);
  if (compressed * MAX_RATIO <= limit) return;
  let length = 0;
  const count = (part: Uint8Array): boolean => {
    length += part.length;
    return length <= limit;
  };
  await inflate(data, count, checkpoint);
  if (length > limit) reader.fail("its data (IDAT) continue after its pixels");
}
