import type { TextDirection } from "../../domain/blocks/preprocess/page-fields.ts";
import type { Call } from "../../domain/call.ts";
import { toTypedArray } from "../../domain/tensor.ts";
import { outputMismatch } from "../output-errors.ts";
import { runInSteps } from "../run-in-steps.ts";
import type { ModelSet } from "../task.ts";
import { type LinePixels, turnedOver } from "./line-pixels.ts";
import { toLineTensor } from "./line-tensor.ts";
import { createPixelWriter } from "./pixel-numbers.ts";
import { runMember } from "./run-member.ts";

/** Turns a line that is upside down. */
export type TurnLine = (
  line: LinePixels,
  models: ModelSet,
  call: Call,
) => Promise<{ readonly line: LinePixels; readonly isTurned: boolean }>;

export function createLineTurner(direction: TextDirection): TurnLine {
  const { input, output, height, width, model, threshold } = direction;
  const writer = createPixelWriter(direction);
  const frame = { input, height, minWidth: width, maxWidth: width };
  return async (line, models, call) => {
    const { trace, checkpoint } = call;
    const tensor = await trace.measureAsync("preprocess", async () =>
      runInSteps(toLineTensor(line, frame, writer), checkpoint),
    );
    const [result] = await runMember(models, tensor, [output], call, model);
    if (result?.datatype !== "FP32" || result.shape.join() !== "1,2")
      throw outputMismatch(result, "FP32 of shape [1, 2], upright and upside down");
    const [, upsideDown = 0] = toTypedArray(result) as Float32Array;
    const isTurned = upsideDown > threshold;
    return { line: isTurned ? turnedOver(line) : line, isTurned };
  };
}
