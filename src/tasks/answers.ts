import { type POSTPROCESS_BLOCKS, postprocessDefinition } from "../domain/blocks/registry.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { PlanAnswer } from "./answer-plan.ts";
import { planTextAnswer } from "./generation/text-answer.ts";
import { planWrittenAnswer } from "./generation/text-to-text-answer.ts";
import { planPageAnswer } from "./ocr/page-answer.ts";
import { planSpeechAnswer } from "./speech/speech-answer.ts";

/** The postprocess blocks whose results are generated step by step. */
type GeneratingType = Extract<
  (typeof POSTPROCESS_BLOCKS)[number],
  { readonly generates: true }
>["type"];

/** How the answers of tasks are stored that generate, by the type of their postprocess block. */
const ANSWERS: Readonly<Record<GeneratingType, PlanAnswer>> = {
  "text-generation": planTextAnswer,
  "text2text-generation": planWrittenAnswer,
  summarization: planWrittenAnswer,
  translation: planWrittenAnswer,
  "text-lines": planPageAnswer,
  "speech-recognition": planSpeechAnswer,
};

/** `undefined` for a model whose task does not generate. */
export function answersOf({ postprocess }: Manifest): PlanAnswer | undefined {
  if (!postprocess || !postprocessDefinition(postprocess).generates) return undefined;
  return ANSWERS[postprocess.type as GeneratingType];
}
