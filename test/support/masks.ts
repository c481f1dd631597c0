import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import type { ImageMetadata } from "../../src/tasks/image/image-preprocessor.ts";
import { resample } from "../../src/tasks/image/resample.ts";
import type { Decode } from "./observed-decoder.ts";

/** Levels of a grey picture, rows from the top. */
export interface GreyLevels {
  readonly width: number;
  readonly height: number;
  readonly levels: Uint8Array;
}

/** Decodes a picture whose channels are equal; the file's own pixels, and no arithmetic. */
export function readGreyLevels(decodeImage: Decode, file: Uint8Array): Promise<GreyLevels> {
  return decodeImage(file, "mask", (image) => {
    const { width, height } = image;
    const part = { left: 0, top: 0, width, height };
    return { width, height, levels: resample(image, 1, "nearest", width, height, part) };
  });
}

/** What other programs make of outputs of planes (recipes/mask_fixtures.py); numbers and levels are base64. */
export interface MaskFixture {
  readonly rows: number;
  readonly columns: number;
  readonly width: number;
  readonly height: number;
  readonly logits: string;
  readonly labelMap: string;
  readonly scores: readonly number[];
  readonly matte: string;
  readonly levels: string;
  readonly classes: readonly number[];
  readonly nearest: string;
  readonly letterboxed: {
    readonly width: number;
    readonly height: number;
    readonly levels: string;
  };
  readonly cropped: { readonly width: number; readonly height: number; readonly labelMap: string };
  readonly depth: string;
  readonly depthLevels: string;
  readonly depthBounds: readonly [number, number];
  readonly colours: string;
  readonly colourLevels: string;
  readonly overlay: { readonly step: number; readonly levels: string };
}

export const masks: MaskFixture = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "images", "masks.json"), "utf8"),
);

export const toLevels = (base64: string): Uint8Array =>
  new Uint8Array(Buffer.from(base64, "base64"));

export function toNumbers(base64: string): Float32Array {
  const { buffer } = toLevels(base64);
  return new Float32Array(buffer as ArrayBuffer);
}

/** An image of the size, all of which the model has seen in a frame of 104 x 72 pixels. */
export function wholeImage({
  width,
  height,
}: Pick<MaskFixture, "width" | "height">): ImageMetadata {
  const frame = { width: 104, height: 72 };
  const placement = {
    scaleX: frame.width / width,
    scaleY: frame.height / height,
    offsetX: 0,
    offsetY: 0,
  };
  return { kind: "image", width, height, placement, frame };
}

/** Planes of a batch of one, as pixels with all of their values. */
export function toChannelsLast(values: Float32Array, planes: number): Float32Array {
  const cells = values.length / planes;
  return Float32Array.from(
    { length: values.length },
    (_, at) => values[(at % planes) * cells + Math.floor(at / planes)] as number,
  );
}

export function largestLevelDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} levels, and ${b.length}`);
  return a.reduce((most, level, at) => Math.max(most, Math.abs(level - (b[at] as number))), 0);
}
