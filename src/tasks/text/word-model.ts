import * as z from "zod";

/**
 * Work in pieces: a generator that yields between two pieces and returns the result, so that the caller can look at
 * the deadline and at other calls in between.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** About how many letters or tokens one piece of work has; a piece takes a few milliseconds. */
export const STEP_SIZE = 4096;

/** Splits a word into tokens: the model of a tokenizer.json. */
export interface WordModel {
  readonly ids: ReadonlyMap<string, number>;
  readonly unknownId: number | undefined;
  /** The token for what is not in the vocabulary; of Unigram the text itself stands for it. */
  readonly unknownToken: string | undefined;
  /** The prefix of tokens that continue a word, of WordPiece. */
  readonly continuingPrefix: string | undefined;
  tokensOf(word: string): Steps<readonly string[]>;
}

/** All pieces at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** All pieces, with a checkpoint between two of them. */
export async function runSteps<T>(steps: Steps<T>, checkpoint?: () => Promise<void>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await checkpoint?.();
  }
}

/** Token ids by their tokens: checked without a copy, because there may be 150,000. */
export const vocabularySchema = z.custom<Readonly<Record<string, number>>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((id) => Number.isSafeInteger(id) && (id as number) >= 0),
  "token ids by tokens",
);
