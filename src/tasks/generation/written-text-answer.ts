import * as z from "zod";
import { writtenTextParameters } from "../../domain/blocks/postprocess/written-text.ts";
import { sourceTextBlock } from "../../domain/blocks/preprocess/source-text.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { TaskRequest } from "../../domain/task.ts";
import { type AnswerPlan, answerAsRequested, type PlanAnswer } from "../answer-plan.ts";
import { parseParameters } from "../parameters.ts";
import { drawsTokens } from "./sampling/sampling-options.ts";
import { withGenerateParameters } from "./written-text-options.ts";

const PARAMETERS = z.strictObject({
  ...sourceTextBlock.parameters.shape,
  ...writtenTextParameters.shape,
});

/** Answers of the tasks that write texts about texts: those of beam search, of the most probable tokens, and those with a seed. */
export const planWrittenAnswer: PlanAnswer = (request, { postprocess }) => {
  try {
    return plan(request, postprocess);
  } catch {
    return undefined;
  }
};

function plan(
  request: TaskRequest,
  postprocess: Manifest["postprocess"],
): AnswerPlan | "drawn" | undefined {
  if (!postprocess || !("decoder" in postprocess) || postprocess.type === "speech-recognition")
    return undefined;
  const parsed = parseParameters(PARAMETERS, request.parameters);
  const { seed, ...others } = { ...parsed, ...withGenerateParameters(parsed) };
  const isDrawn = drawsTokens(others, postprocess);
  if (isDrawn && seed === undefined) return "drawn";
  return answerAsRequested(request, isDrawn ? { ...others, seed } : others);
}
