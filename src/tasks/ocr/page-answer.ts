import { textLinesBlock } from "../../domain/blocks/postprocess/text-lines.ts";
import { answerAsRequested, type PlanAnswer } from "../answer-plan.ts";
import { parseParameters } from "../parameters.ts";

/** Answers of texts in images, which each request determines. */
export const planPageAnswer: PlanAnswer = (request) => {
  try {
    const parameters = parseParameters(textLinesBlock.parameters, request.parameters);
    return answerAsRequested(request, parameters);
  } catch {
    return undefined;
  }
};
