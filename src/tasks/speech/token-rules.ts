import { expOfNegative } from "../generation/sampling/exp-of-negative.ts";
import type { LogitsProcessor } from "../generation/sampling/logits-processor.ts";

/** The tokens that Whisper's rules are about. */
export interface TimestampTokens {
  /** The token of 0 s; those after it are of later times, to the end of the vocabulary. */
  readonly first: number;
  /** The token that asks for a text without times: never generated with them. */
  readonly none: number;
  /** Ends a text; tokens with smaller ids are text. */
  readonly endOfText: number;
  /** How many steps after 0 s the first time may be; `undefined` for any number. */
  readonly maxInitial: number | undefined;
}

/** Tokens that are never generated. */
export function createSuppressedTokens(ids: readonly number[]): LogitsProcessor {
  return (logits) => {
    // A write outside a typed array has no effect.
    for (const id of ids) logits[id] = Number.NEGATIVE_INFINITY;
  };
}

/** Tokens with which no text begins. */
export function createSuppressedBeginnings(ids: readonly number[]): LogitsProcessor {
  const suppress = createSuppressedTokens(ids);
  return (logits, history) => {
    if (history.generated.length === 0) suppress(logits, history);
  };
}

/**
 * The rules of `WhisperTimeStampLogitsProcessor` of transformers: a text begins with a time, times are in pairs, except the last
 * one, and do not decrease; where all times together are more probable than any other token, one of them follows.
 */
export function createTimestampRules(tokens: TimestampTokens): LogitsProcessor {
  const { first, none, endOfText, maxInitial } = tokens;
  const suppress = (logits: Float32Array, start: number, end: number): void => {
    logits.fill(Number.NEGATIVE_INFINITY, start, Math.min(end, logits.length));
  };
  return (logits, { generated }) => {
    suppress(logits, none, none + 1);
    const count = generated.length;
    const isTime = (index: number): boolean => (generated[index] as number) >= first;
    const followsTime = count >= 1 && isTime(count - 1);
    const followsPair = followsTime && (count < 2 || isTime(count - 2));
    if (followsPair) suppress(logits, first, logits.length);
    else if (followsTime) suppress(logits, 0, endOfText);
    const last = generated.findLast((token) => token >= first);
    // A time that ends a segment is repeated where the next one begins; no other is.
    if (last !== undefined) suppress(logits, first, followsTime && !followsPair ? last : last + 1);
    if (count === 0) {
      suppress(logits, 0, first);
      if (maxInitial !== undefined) suppress(logits, first + maxInitial + 1, logits.length);
    }
    if (timesPrevail(logits, first)) suppress(logits, 0, first);
  };
}

/** Whether the probability of all times is greater than that of the most probable other token. */
function timesPrevail(logits: Float32Array, first: number): boolean {
  let text = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < first; token++) {
    const logit = logits[token] as number;
    if (logit > text) text = logit;
  }
  let sum = 0;
  for (let token = first; token < logits.length; token++) {
    const logit = logits[token] as number;
    if (logit > text) return true;
    sum += expOfNegative(text - logit);
  }
  return sum > 1;
}
