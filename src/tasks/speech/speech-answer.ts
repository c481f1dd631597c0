import {
  type SpeechRecognitionParameters,
  speechRecognitionBlock,
} from "../../domain/blocks/postprocess/speech-recognition.ts";
import type { TaskRequest } from "../../domain/task.ts";
import { answerAsRequested, type PlanAnswer } from "../answer-plan.ts";
import { parseParameters } from "../parameters.ts";

/** Answers of speech recognition: each request determines its own, as draws without a seed have one too. */
export const planSpeechAnswer: PlanAnswer = (request) => {
  const parameters = parseOrNone(request.parameters);
  return parameters && answerAsRequested(request, parameters);
};

function parseOrNone(
  parameters: TaskRequest["parameters"],
): SpeechRecognitionParameters | undefined {
  try {
    return parseParameters(speechRecognitionBlock.parameters, parameters);
  } catch {
    return undefined;
  }
}
