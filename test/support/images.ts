import { readFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";
import { expect } from "vitest";
import { projectPath } from "../../scripts/project.ts";

/** The images of test/fixtures/images, and the results of Pillow and torchvision for them. */

const FOLDER = projectPath("test", "fixtures", "images");

/** Rows from the top; `levels` is base64 of one byte per channel. */
export interface ExpectedLevels {
  readonly width: number;
  readonly height: number;
  readonly levels: string;
}

interface Scored {
  readonly label: string;
  readonly score: number;
}

interface ExpectedImages {
  readonly resample: {
    readonly source: ExpectedLevels;
    readonly cases: readonly (ExpectedLevels & { readonly filter: string })[];
    readonly grey: readonly (ExpectedLevels & { readonly filter: string })[];
  };
  readonly decoded: readonly (ExpectedLevels & { readonly file: string })[];
  /** `numbers` is base64 of bytes, or of little-endian floats. */
  readonly fitted: readonly { readonly file: string; readonly way: string; numbers: string }[];
  readonly suppressed: {
    readonly scoreThreshold: number;
    readonly iouThreshold: number;
    /** Flat: 4 numbers of each box, 2 scores of each. */
    readonly boxes: readonly number[];
    readonly scores: readonly number[];
    /** Label and box, best first. */
    readonly kept: readonly (readonly [number, number])[];
  };
  /** The five best labels by imagenet-classification. */
  readonly classified: readonly { readonly file: string; readonly prediction: readonly Scored[] }[];
  /** The only face by face-detection. */
  readonly detected: {
    readonly file: string;
    readonly prediction: Scored & { readonly box: Readonly<Record<string, number>> };
  };
}

export const expectedImages: ExpectedImages = JSON.parse(
  readFileSync(`${FOLDER}/expected.json`, "utf8"),
);

interface Suppressed {
  readonly boxes: readonly (readonly number[])[];
  /** Of each box, one for each label. */
  readonly scores: readonly (readonly number[])[];
  readonly labels: readonly string[];
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly maxDetections: number;
  /** How many scores reach the threshold, without those of the background. */
  readonly candidates: number;
  /** Label and row, best first. */
  readonly kept: readonly (readonly [number, number])[];
}

/** The boxes and scores of test/fixtures/images/make_suppressed.py, and what NumPy keeps of them. */
export function readSuppressed(): Suppressed {
  const { count, clusters, labels, scoreThreshold, iouThreshold, maxDetections, candidates, kept } =
    JSON.parse(readFileSync(`${FOLDER}/suppressed-background.json`, "utf8"));
  let state = 12_345;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const boxes: number[][] = [];
  const scores: number[][] = [];
  for (let row = 0; row < count; row++) {
    const [x = 0, y = 0, width = 0, height = 0, sure = 0, other = 0] = Array.from(
      { length: 6 },
      next,
    );
    const cluster = row % 500 === 499 ? 1 + (Math.floor(row / 500) % (clusters - 1)) : 0;
    const middle = [
      0.1 + 0.2 * (cluster % 4) + 0.02 * x,
      0.15 + 0.3 * Math.floor(cluster / 4) + 0.02 * y,
    ];
    const size = [0.08 + 0.02 * width, 0.08 + 0.02 * height];
    const edges = [-0.5, 0.5].map((side) =>
      middle.map((value, axis) => value + side * (size[axis] ?? 0)),
    );
    boxes.push(edges.flat());
    const face = cluster === 0 ? 0.6 + 0.4 * sure : 0.31 + 0.2 * sure;
    scores.push([0.95 + 0.05 * other, face, 0.4 * other]);
  }
  return { boxes, scores, labels, scoreThreshold, iouThreshold, maxDetections, candidates, kept };
}

/** Files of test/fixtures/images/make_orientations.py in base64, and the orientation that Pillow applies. */
export function readOrientations(): readonly {
  readonly name: string;
  readonly file: string;
  readonly orientation: number;
}[] {
  return JSON.parse(readFileSync(`${FOLDER}/orientations.json`, "utf8")).cases;
}

export function readImage(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(`${FOLDER}/${name}`));
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** The largest difference of two lists of numbers of the same length. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let index = 0; index < expected.length; index++)
    largest = Math.max(largest, Math.abs((actual[index] ?? Number.NaN) - (expected[index] ?? 0)));
  return largest;
}

/**
 * A PNG file of one colour, one bit a pixel, which takes a thousandth of its pixels' bytes.
 * @param rows how many rows its data has, whatever its header says
 */
export function blackPng(width: number, height: number, rows = height): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(1, 8);
  const data = Buffer.alloc(rows * (1 + Math.ceil(width / 8)));
  return new Uint8Array(
    Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      pngChunk("IHDR", header),
      pngChunk("IDAT", deflateSync(data, { level: 9 })),
      pngChunk("IEND", Buffer.alloc(0)),
    ]),
  );
}

/** Corrects the checksums of a PNG file, as far as its chunks can be parsed. */
export function fixChecksums(file: Uint8Array): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let offset = 8; offset + 12 <= file.length; ) {
    const end = offset + 8 + view.getUint32(offset);
    if (end + 4 > file.length) return;
    view.setUint32(end, crc32(file.subarray(offset + 4, end)));
    offset = end + 4;
  }
}

export function pngChunk(name: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, "latin1"), body]);
  const chunk = Buffer.alloc(named.length + 8);
  chunk.writeUInt32BE(body.length, 0);
  named.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(named), named.length + 4);
  return chunk;
}
