import { checkTokenLimit } from "../../domain/access/request-limits.ts";
import type { SpeechRecognitionBlock } from "../../domain/blocks/postprocess/speech-recognition.ts";
import type { FinishReason } from "../../domain/blocks/postprocess/text-generation.ts";
import type { Call } from "../../domain/call.ts";
import { NOTHING_GENERATED } from "../../domain/generation-progress.ts";
import type { Random } from "../../shared/random.ts";
import type { EncodedText } from "../generation/encoder-decoder.ts";
import { generate } from "../generation/generate.ts";
import type { SamplingOptions } from "../generation/sampling/sampling-options.ts";
import { StopStrings } from "../generation/sampling/stop-strings.ts";
import { compressionRatio, findRepetition, type Repetition } from "./repetition.ts";
import { createTranscriptSampler, type TokenBlock } from "./transcript-sampler.ts";

/** How the text of each window is generated. */
export interface DecodingOptions {
  readonly prompt: readonly number[];
  readonly maxNewTokens: number;
  /** At temperature 0, the most probable tokens are taken. */
  readonly temperatures: readonly number[];
  readonly sampling: SamplingOptions;
  readonly random: Random;
}

/** The text of a window, with what it was judged by. */
export interface WindowText {
  /** Of text and times; none of a window without speech. */
  readonly tokens: readonly number[];
  readonly temperature: number;
  readonly meanLogprob: number;
  readonly compressionRatio: number;
  readonly noSpeech: number;
  readonly finishReason: FinishReason | undefined;
}

interface Attempt extends WindowText {
  readonly repetition: Repetition | undefined;
}

export type DecodingBlock = TokenBlock &
  Pick<SpeechRecognitionBlock, "maxCompressionRatio" | "minLogprob" | "maxNoSpeech">;

/** The text is made of tokens only when all of them are known. */
const NO_TEXT = { push: () => "", end: () => "" };
/** The last tokens are compared with those before when so many more were generated. */
const TOKENS_PER_CHECK = 8;

/**
 * Generates the text of a window as Whisper does (Radford et al. 2022, section 4.5): again at the next temperature where it
 * repeats itself or is improbable. Of texts that are all refused, it is the most probable one that does not repeat itself.
 * @param begin begins a text
 * @param toText of tokens, without times
 */
export async function decodeWindow(
  block: DecodingBlock,
  options: DecodingOptions,
  begin: () => EncodedText,
  toText: (tokens: readonly number[]) => string,
  call: Call,
): Promise<WindowText> {
  const refused: Attempt[] = [];
  for (const temperature of options.temperatures) {
    const { inputTokens, outputTokens } = call.trace.generation ?? NOTHING_GENERATED;
    checkTokenLimit(call.limits, outputTokens + options.maxNewTokens);
    await call.meter?.reserve(inputTokens + outputTokens + options.maxNewTokens);
    const attempt = await decodeOnce(block, options, temperature, begin, toText, call);
    const { meanLogprob, noSpeech } = attempt;
    if (meanLogprob < block.minLogprob && noSpeech > block.maxNoSpeech)
      return { ...attempt, tokens: [] };
    if (meanLogprob >= block.minLogprob && !repeats(attempt, block)) return attempt;
    refused.push(attempt);
  }
  const [best] = refused.toSorted(
    (a, b) =>
      Number(repeats(a, block)) - Number(repeats(b, block)) || b.meanLogprob - a.meanLogprob,
  );
  if (!best) throw new Error("no temperature was given");
  return { ...best, tokens: withoutRepetition(best, block) };
}

async function decodeOnce(
  block: DecodingBlock,
  options: DecodingOptions,
  temperature: number,
  begin: () => EncodedText,
  toText: (tokens: readonly number[]) => string,
  call: Call,
): Promise<Attempt> {
  const { prompt, maxNewTokens, sampling, random } = options;
  const doSample = temperature > 0;
  const drawn = { ...sampling, doSample, temperature: doSample ? temperature : 1 };
  const sampler = createTranscriptSampler(block, drawn, random);
  const eosTokenIds = new Set(block.eosTokenIds);
  const plan = {
    prompt,
    maxNewTokens,
    eosTokenIds,
    sampler,
    stops: new StopStrings([]),
    text: NO_TEXT,
  };
  const tokens: number[] = [];
  const ofText = (): number[] => tokens.filter((token) => token < block.firstTimestampTokenId);
  let repetition: Repetition | undefined;
  let finishReason: FinishReason | undefined;
  const text = begin();
  try {
    for await (const step of generate(text, plan, call)) {
      finishReason = step.finishReason;
      const { token } = step.sampled;
      if (!eosTokenIds.has(token)) tokens.push(token);
      if (finishReason || tokens.length % TOKENS_PER_CHECK !== 0) continue;
      repetition = findRepetition(ofText());
      if (repetition) break;
    }
  } finally {
    text.dispose();
  }
  repetition ??= findRepetition(ofText());
  return {
    tokens,
    temperature,
    meanLogprob: sampler.meanLogprob,
    compressionRatio: await compressionRatio(toText(ofText()).trim()),
    noSpeech: sampler.noSpeech,
    finishReason,
    repetition,
  };
}

function repeats(attempt: Attempt, { maxCompressionRatio }: DecodingBlock): boolean {
  return attempt.repetition !== undefined || attempt.compressionRatio > maxCompressionRatio;
}

/** The tokens, of which the repeated ones are left once. */
function withoutRepetition(
  { tokens, repetition }: Attempt,
  { firstTimestampTokenId }: DecodingBlock,
): readonly number[] {
  let surplus = repetition ? (repetition.times - 1) * repetition.period : 0;
  let end = tokens.length;
  for (; surplus > 0 && end > 0; end--)
    if ((tokens[end - 1] as number) < firstTimestampTokenId) surplus -= 1;
  return tokens.slice(0, end);
}
