import type { z } from "zod";
import type { FinishReason } from "./blocks/postprocess/text-generation.ts";
import type { generationEventSchema } from "./event/generation.ts";
import { GEN_AI } from "./gen-ai.ts";

/** What a call has generated until now. */
export interface GenerationProgress {
  /** Tokens of prompts. */
  readonly inputTokens: number;
  /** Of those, which were not read again: their keys and values were kept of an earlier prompt. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of the recordings that are transcribed; absent of other inputs. */
  readonly audioSeconds?: number | undefined;
  /** When the first and the last token were there, in milliseconds since the trace began. */
  readonly firstTokenMs: number | undefined;
  readonly lastTokenMs: number | undefined;
  /** Of the last text; `undefined` while it is generated, and when its generation ended early. */
  readonly finishReason: FinishReason | undefined;
}

/** What an event tells of it. */
export type GenerationEvent = z.output<typeof generationEventSchema>;

export const NOTHING_GENERATED: GenerationProgress = {
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  firstTokenMs: undefined,
  lastTokenMs: undefined,
  finishReason: undefined,
};

/** The progress when a text begins with tokens that need not be read. */
export function withCached(
  progress: GenerationProgress = NOTHING_GENERATED,
  cachedTokens: number,
): GenerationProgress {
  return { ...progress, cachedTokens: progress.cachedTokens + cachedTokens };
}

/** The progress after one more token. */
export function withToken(
  progress: GenerationProgress,
  elapsedMs: number,
  finishReason: FinishReason | undefined,
): GenerationProgress {
  return {
    ...progress,
    outputTokens: progress.outputTokens + 1,
    firstTokenMs: progress.firstTokenMs ?? elapsedMs,
    lastTokenMs: elapsedMs,
    finishReason,
  };
}

export function toGenerationEvent(progress: GenerationProgress, aborted: boolean): GenerationEvent {
  const { inputTokens, cachedTokens, outputTokens, audioSeconds } = progress;
  const { firstTokenMs, lastTokenMs, finishReason } = progress;
  return {
    [GEN_AI.inputTokens]: inputTokens,
    [GEN_AI.cachedTokens]: cachedTokens,
    [GEN_AI.outputTokens]: outputTokens,
    audioSeconds,
    [GEN_AI.timeToFirstToken]: firstTokenMs && toSeconds(firstTokenMs),
    tokensPerSecond: toTokensPerSecond(outputTokens, firstTokenMs, lastTokenMs),
    [GEN_AI.finishReasons]: finishReason && !aborted ? [finishReason] : undefined,
    aborted,
  };
}

function toSeconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1_000_000;
}

/** Where the clock stands still during CPU work, there is no rate. */
function toTokensPerSecond(
  tokens: number,
  firstMs: number | undefined,
  lastMs: number | undefined,
): number | undefined {
  if (firstMs === undefined || lastMs === undefined || lastMs <= firstMs) return undefined;
  return Math.round(((tokens - 1) * 1_000_000) / (lastMs - firstMs)) / 1000;
}
