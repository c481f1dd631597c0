import type { SpeechRecognitionBlock } from "../../domain/blocks/postprocess/speech-recognition.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { EncodedText } from "../generation/encoder-decoder.ts";
import { rawLogprobOf } from "../generation/sampling/sampler.ts";
import type { WindowText } from "./decode-window.ts";
import { compressionRatio } from "./repetition.ts";

/** A text without times, whose probability is wanted. */
export interface ScoredText {
  /** Before the text. */
  readonly prompt: readonly number[];
  readonly tokens: readonly number[];
}

/** @throws ApiError `invalid_request` for tokens that are none of a text, or more than the context has room for */
export function toScoredText(
  block: Pick<
    SpeechRecognitionBlock,
    "startTokenIds" | "noTimestampsTokenId" | "eosTokenIds" | "decoder"
  >,
  tokens: readonly number[],
  vocabularySize: number | undefined,
): ScoredText {
  const prompt = [...block.startTokenIds, block.noTimestampsTokenId];
  const room = block.decoder.context - prompt.length - 1;
  const last = Math.min(vocabularySize ?? Number.POSITIVE_INFINITY, block.eosTokenIds[0] as number);
  const wrong = tokens.find((token) => token >= last);
  if (tokens.length <= room && wrong === undefined) return { prompt, tokens };
  throw new ApiError(
    "invalid_request",
    wrong === undefined
      ? `"score_tokens" has ${tokens.length} tokens, and the model's context has room for ${room}.`
      : `"score_tokens" has ${wrong}, which is no token of a text: those are below ${last}.`,
    { details: { field: "score_tokens", maxTokens: room } },
  );
}

/** How probable a text is that is given. The end of the text counts as well. */
export async function scoreWindow(
  { eosTokenIds, noSpeechTokenId }: Pick<SpeechRecognitionBlock, "eosTokenIds" | "noSpeechTokenId">,
  { prompt, tokens }: ScoredText,
  begin: () => EncodedText,
  toText: (tokens: readonly number[]) => string,
  { trace, pause }: Call,
): Promise<WindowText> {
  const text = begin();
  try {
    const start = prompt.slice(0, -1);
    const atStart = trace.measure("infer", () => text.next(start));
    const noSpeech =
      noSpeechTokenId === undefined ? 0 : Math.exp(rawLogprobOf(atStart, noSpeechTokenId));
    let sum = 0;
    let read = prompt.at(-1) as number;
    for (const token of [...tokens, eosTokenIds[0] as number]) {
      await pause();
      const logits = trace.measure("infer", () => text.next([read]));
      sum += rawLogprobOf(logits, token);
      read = token;
    }
    return {
      tokens,
      temperature: 0,
      meanLogprob: sum / (tokens.length + 1),
      compressionRatio: await compressionRatio(toText(tokens).trim()),
      noSpeech,
      finishReason: undefined,
    };
  } finally {
    text.dispose();
  }
}
