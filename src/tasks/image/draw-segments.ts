import type { Call } from "../../domain/call.ts";
import { decodeBase64 } from "../../shared/base64.ts";
import type { DecodeImage } from "./decode-image.ts";
import { encodeDrawnImage, readDrawnImage } from "./drawn-image.ts";
import type { ImageSegment } from "./image-segmentation-postprocessor.ts";
import { labelColour } from "./label-colours.ts";
import { resample } from "./resample.ts";

/** How much of a pixel is its mask's colour. */
const OPACITY = 0.5;
/** Pixels that are coloured between two checkpoints. */
const PIXELS_PER_STEP = 262_144;

export interface DrawnSegments {
  readonly file: Uint8Array;
  readonly segments: readonly Pick<ImageSegment, "label" | "mask">[];
  /** Of the model: each has a colour of its own in all of its pictures. */
  readonly labels: readonly string[];
}

/** The image, each of whose masks is laid over it in the colour of its label, the best one last. */
export async function drawSegments(
  { file, segments, labels }: DrawnSegments,
  decodeImage: DecodeImage,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array<ArrayBuffer>> {
  const image = await readDrawnImage(file, decodeImage, checkpoint);
  const { width, height, pixels } = image;
  await checkpoint();
  const part = { left: 0, top: 0, width, height };
  for (const { label, mask } of segments.toReversed()) {
    const levels = await decodeImage(
      decodeBase64(mask) ?? new Uint8Array(),
      "mask",
      (image) => resample(image, 1, "nearest", width, height, part),
      checkpoint,
    );
    const index = labels.indexOf(label);
    const colour = labelColour(Math.max(0, index));
    for (let start = 0; start < levels.length; start += PIXELS_PER_STEP) {
      blend(pixels, levels, colour, start, Math.min(start + PIXELS_PER_STEP, levels.length));
      await checkpoint();
    }
  }
  return encodeDrawnImage(image, checkpoint);
}

function blend(
  pixels: Uint8Array,
  levels: Uint8Array,
  colour: readonly [number, number, number],
  start: number,
  end: number,
): void {
  for (let at = start; at < end; at++) {
    const share = ((levels[at] as number) / 255) * OPACITY;
    if (share === 0) continue;
    for (const channel of [0, 1, 2] as const) {
      const place = at * 3 + channel;
      const before = pixels[place] as number;
      pixels[place] = Math.round(before + (colour[channel] - before) * share);
    }
  }
}
