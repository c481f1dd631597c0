import * as z from "zod";
import {
  type GeneratedText,
  type GeneratedToken,
  type PromptToken,
  textGenerationBlock,
} from "../../domain/blocks/postprocess/text-generation.ts";
import { promptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import { Media } from "../../domain/media.ts";
import type { TaskPart, TaskRequest, TaskValue } from "../../domain/task.ts";
import { type AnswerPlan, answerAsRequested, type PlanAnswer } from "../answer-plan.ts";
import { parseParameters } from "../parameters.ts";
import { detailParameter } from "./detail-parameters.ts";
import { drawsTokens } from "./sampling/sampling-options.ts";

const PARAMETERS = z.strictObject({
  ...promptBlock.parameters.shape,
  ...textGenerationBlock.parameters.shape,
});
type Parameters = z.output<typeof PARAMETERS>;

/** A part of the stream of a text. */
interface StoredPart {
  readonly index: number;
  readonly token: GeneratedToken;
  readonly top_tokens?: readonly GeneratedToken[];
  /** Of the first part, where the tokens of the prompt are requested. */
  readonly prefill?: readonly PromptToken[];
  /** Of the last part: the text without its prompt. */
  readonly generated_text: string | null;
  /** Of the last part. */
  readonly details: EndingDetails | null;
}

type TextDetails = NonNullable<GeneratedText["details"]>;
type EndingDetails = Omit<TextDetails, "prefill" | "tokens" | "top_tokens"> & {
  readonly input_length: number | undefined;
  readonly cached_tokens: number | undefined;
};

/**
 * Answers of text generation. Texts are stored as the parts of a stream with details and without the prompt, of which all forms of Hugging Face's
 * results are made, so that whole and streamed requests share them, and the protocols of which this task is the one beneath.
 */
export const planTextAnswer: PlanAnswer = (request, { postprocess }) => {
  const parameters = parseOrNone(request.parameters);
  if (!parameters || postprocess?.type !== "text-generation") return undefined;
  const { seed, details, return_full_text, ...others } = parameters;
  const isDrawn = drawsTokens(parameters, postprocess);
  if (isDrawn && seed === undefined) return "drawn";
  const ofChoice = isDrawn ? { ...others, seed } : others;
  const { inputs, stream } = request;
  // Only the details of a whole result have its tokens.
  if (!stream && !details && detailParameter(parameters)) return undefined;
  const prompt = promptText(inputs);
  const isShared = !Array.isArray(inputs) && (prompt !== undefined || !return_full_text);
  if (!isShared) return answerAsRequested(request, { ...ofChoice, details, return_full_text });
  const plan = planShared(request, return_full_text ? (prompt ?? "") : "", details);
  return { ...plan, identity: { inputs: prompt ?? inputs, parameters: ofChoice } };
};

function parseOrNone(parameters: TaskRequest["parameters"]): Parameters | undefined {
  try {
    return parseParameters(PARAMETERS, parameters);
  } catch {
    return undefined;
  }
}

/** The text that a result may begin with; `undefined` for inputs of another form. */
function promptText(inputs: unknown): string | undefined {
  if (typeof inputs === "string") return inputs.toWellFormed();
  if (!(inputs instanceof Media) || inputs.type !== "text/plain") return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(inputs.bytes);
  } catch {
    return undefined;
  }
}

/** @param beginning of the requested text, before what was generated */
function planShared(
  request: TaskRequest,
  beginning: string,
  hasDetails: boolean,
): Omit<AnswerPlan, "identity"> {
  return {
    request: {
      ...request,
      parameters: { ...request.parameters, details: true, return_full_text: false },
    },
    form: "one",
    toParts,
    toShared,
    toValue: (parts) => [toWhole(parts as readonly StoredPart[], beginning, hasDetails)],
    toPart(part) {
      const { generated_text: text, details, ...others } = part as StoredPart;
      if (text === null) return part;
      return { ...others, generated_text: beginning + text, details: hasDetails ? details : null };
    },
  };
}

/** The parts of a stream, of a whole result with details. */
function toParts({ value, usage }: TaskValue): TaskPart[] {
  const [{ generated_text, details } = { generated_text: "" }] = value as GeneratedText[];
  if (!details) throw new Error("the result has no details");
  const { tokens, top_tokens: topTokens, prefill, ...ending } = details;
  return tokens.map((token, at): StoredPart => {
    const isLast = at === tokens.length - 1;
    const top = topTokens?.[at];
    return {
      index: at + 1,
      token,
      ...(top && { top_tokens: top }),
      ...(at === 0 && prefill.length > 0 && { prefill }),
      generated_text: isLast ? generated_text : null,
      details: isLast
        ? { ...ending, input_length: usage?.inputTokens, cached_tokens: usage?.cachedTokens }
        : null,
    };
  });
}

/** How much of a prompt was kept of an earlier one tells what that one was. */
function toShared(part: TaskPart): TaskPart {
  const { details } = part as StoredPart;
  if (!details?.cached_tokens) return part;
  return { ...(part as StoredPart), details: { ...details, cached_tokens: 0 } };
}

function toWhole(
  parts: readonly StoredPart[],
  beginning: string,
  hasDetails: boolean,
): GeneratedText {
  const last = parts.at(-1);
  if (!last?.details) throw new Error("the stored answer has no end");
  const text = { generated_text: beginning + last.generated_text };
  if (!hasDetails) return text;
  const { input_length: _, cached_tokens: __, ...ending } = last.details;
  const topTokens = parts.flatMap(({ top_tokens }) => (top_tokens ? [[...top_tokens]] : []));
  return {
    ...text,
    details: {
      ...ending,
      prefill: [...(parts[0]?.prefill ?? [])],
      tokens: parts.map(({ token }) => token),
      ...(topTokens.length > 0 && { top_tokens: topTokens }),
    },
  };
}
