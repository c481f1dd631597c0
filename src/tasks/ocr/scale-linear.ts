import type { LinePixels } from "./line-pixels.ts";

/**
 * Scales pixels with the arithmetic of OpenCV's `resize` by `INTER_LINEAR`: the two nearest rows and columns of each place, whatever
 * the factor, in fixed point of 11 bits. Text recognition is trained with it; {@link resample} smooths what gets smaller.
 * @yields after each row that it has made
 * @returns rows from the top, three bytes a pixel
 */
export function* scaleLinear(
  source: LinePixels,
  width: number,
  height: number,
): Generator<undefined, Uint8Array> {
  const columns = places(source.width, width);
  const rows = places(source.height, height);
  const result = new Uint8Array(width * height * 3);
  const raw = new Uint8Array(source.width * 3);
  const made: Made[] = [new Int32Array(width * 3), new Int32Array(width * 3)].map((sums) => ({
    y: -1,
    sums,
  }));
  const rowOf = (y: number, other: number): Made => {
    const known = made.find((row) => row.y === y);
    if (known) return known;
    const free = made.find((row) => row.y !== other) as Made;
    source.readRow(y, raw);
    sumColumns(raw, columns, free.sums);
    free.y = y;
    return free;
  };
  for (let y = 0; y < height; y++) {
    const first = rows.first[y] as number;
    const second = Math.min(first + 1, source.height - 1);
    const upper = rowOf(first, second);
    const lower = rowOf(second, first);
    const share = rows.shares[y] as number;
    blendRows(upper.sums, lower.sums, share, result, y * width * 3);
    yield;
  }
  return result;
}

/** A row of the source, scaled. */
interface Made {
  y: number;
  readonly sums: Int32Array;
}

const ONE = 2048;

interface Places {
  /** The first of the two pixels that each one is made of. */
  readonly first: Int32Array;
  /** How much of it is the second one, of {@link ONE}. */
  readonly shares: Int32Array;
}

function places(from: number, to: number): Places {
  const first = new Int32Array(to);
  const shares = new Int32Array(to);
  const scale = from / to;
  for (let index = 0; index < to; index++) {
    const place = (index + 0.5) * scale - 0.5;
    const before = Math.floor(place);
    if (before < 0) continue;
    first[index] = Math.min(before, from - 1);
    if (before < from - 1) shares[index] = Math.round((place - before) * ONE);
  }
  return { first, shares };
}

function sumColumns(row: Uint8Array, { first, shares }: Places, sums: Int32Array): void {
  const last = row.length - 3;
  for (let index = 0; index < first.length; index++) {
    const left = (first[index] as number) * 3;
    const right = Math.min(left + 3, last);
    const share = shares[index] as number;
    const target = index * 3;
    for (let channel = 0; channel < 3; channel++)
      sums[target + channel] =
        (row[left + channel] as number) * (ONE - share) + (row[right + channel] as number) * share;
  }
}

function blendRows(
  upper: Int32Array,
  lower: Int32Array,
  share: number,
  result: Uint8Array,
  start: number,
): void {
  for (let at = 0; at < upper.length; at++) {
    const a = ((ONE - share) * ((upper[at] as number) >> 4)) >> 16;
    const b = (share * ((lower[at] as number) >> 4)) >> 16;
    result[start + at] = (a + b + 2) >> 2;
  }
}
