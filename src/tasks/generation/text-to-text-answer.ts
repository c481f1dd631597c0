import type { Manifest } from "../../domain/manifest.ts";
import type { TaskRequest } from "../../domain/task.ts";
import { type AnswerPlan, answerAsRequested, type PlanAnswer } from "../answer-plan.ts";
import { drawsTokens } from "./sampling/sampling-options.ts";
import { parseTextToTextParameters } from "./text-to-text-options.ts";

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
  const { seed, ...others } = parseTextToTextParameters(request.parameters);
  const isDrawn = drawsTokens(others, postprocess);
  if (isDrawn && seed === undefined) return "drawn";
  return answerAsRequested(request, isDrawn ? { ...others, seed } : others);
}
