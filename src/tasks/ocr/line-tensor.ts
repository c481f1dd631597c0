import type { Tensor } from "../../domain/tensor.ts";
import type { LinePixels } from "./line-pixels.ts";
import type { PixelWriter } from "./pixel-numbers.ts";
import { scaleLinear } from "./scale-linear.ts";

/** The input that lines become. */
export interface LineFrame {
  readonly input: string;
  readonly height: number;
  readonly minWidth: number;
  readonly maxWidth: number;
}

/**
 * A line of text, scaled to a height with its proportions kept, as PaddleOCR does: the tensor is as wide as the line, or as `minWidth`
 * with zeros on the right.
 * @yields between two pieces of work
 */
export function* toLineTensor(
  line: LinePixels,
  { input, height, minWidth, maxWidth }: LineFrame,
  writer: PixelWriter,
): Generator<undefined, Tensor> {
  const scaled = (height * line.width) / line.height;
  const frameWidth = Math.min(Math.max(minWidth, Math.trunc(scaled)), maxWidth);
  const width = Math.max(1, Math.min(Math.ceil(scaled), frameWidth));
  const levels = yield* scaleLinear(line, width, height);
  return writer.toTensor(input, levels, width, height, frameWidth);
}
