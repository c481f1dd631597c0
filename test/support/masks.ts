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
