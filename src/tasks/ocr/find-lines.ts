import type { TextDetection } from "../../domain/blocks/preprocess/page-fields.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { roundHalfToEven } from "../../shared/round-half-to-even.ts";
import { outputMismatch } from "../output-errors.ts";
import { runInSteps } from "../run-in-steps.ts";
import type { ModelSet } from "../task.ts";
import { findBoxes, type ProbabilityMap } from "./find-boxes.ts";
import { wholeImage } from "./line-pixels.ts";
import { createPixelWriter } from "./pixel-numbers.ts";
import type { Page } from "./read-page.ts";
import type { Quadrilateral } from "./rectangle.ts";
import { runMember } from "./run-member.ts";
import { scaleLinear } from "./scale-linear.ts";

/** Finds the lines of pages, in pixels of those that are in memory. */
export type FindLines = (
  page: Page,
  path: string,
  models: ModelSet,
  call: Call,
) => Promise<readonly Quadrilateral[]>;

export function createLineFinder(detection: TextDetection): FindLines {
  const writer = createPixelWriter(detection);
  return async ({ pixels }, path, models, call) => {
    const { trace, checkpoint } = call;
    const { width, height } = detectionSize(pixels, detection);
    const input = await trace.measureAsync("preprocess", async () => {
      const steps = scaleLinear(wholeImage(pixels), width, height);
      const levels = await runInSteps(steps, checkpoint);
      await checkpoint();
      return writer.toTensor(detection.input, levels, width, height);
    });
    await checkpoint();
    const [output] = await runMember(models, input, [detection.output], call, detection.model);
    await call.pause();
    const boxes = await trace.measureAsync("postprocess", async () =>
      runInSteps(findBoxes(toMap(output, width, height), detection, pixels), checkpoint),
    );
    if (boxes) return boxes;
    throw new ApiError(
      "invalid_input",
      `${path} has too much that looks like text, in too small pieces, to be read: send an image of less noise, or a part of it.`,
    );
  };
}

/** The size in which a page is looked at, as PaddleOCR's `DetResizeForTest`, which knows no limit of pixels. */
export function detectionSize(
  { width, height }: { readonly width: number; readonly height: number },
  { maxSide, maxPixels, multiple }: Pick<TextDetection, "maxSide" | "maxPixels" | "multiple">,
): { readonly width: number; readonly height: number } {
  const scale = Math.min(
    1,
    maxSide / Math.max(width, height),
    Math.sqrt(maxPixels / (width * height)),
  );
  const toSide = (length: number): number =>
    Math.max(multiple, roundHalfToEven(Math.trunc(length * scale) / multiple) * multiple);
  return { width: toSide(width), height: toSide(height) };
}

function toMap(output: Tensor | undefined, width: number, height: number): ProbabilityMap {
  const { shape = [] } = output ?? {};
  const [batch, planes, rows, columns] = shape;
  const fits = batch === 1 && planes === 1 && rows === height && columns === width;
  if (output?.datatype !== "FP32" || !fits)
    throw outputMismatch(output, `FP32 of shape [1, 1, ${height}, ${width}], as its input has`);
  return { values: toTypedArray(output) as Float32Array, width, height };
}
