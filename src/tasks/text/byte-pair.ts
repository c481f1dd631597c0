import * as z from "zod";
import { STEP_SIZE, type Steps, vocabularySchema, type WordModel } from "./word-model.ts";

export const bytePairSchema = z.object({
  type: z.literal("BPE"),
  vocab: vocabularySchema,
  merges: z.custom<readonly (string | readonly string[])[]>(areMerges, "a list of pairs of tokens"),
  unk_token: z.string().nullish(),
  fuse_unk: z.boolean().default(false),
  byte_fallback: z.boolean().default(false),
  ignore_merges: z.boolean().default(false),
  dropout: z.null().optional(),
  continuing_subword_prefix: z.literal("").nullish(),
  end_of_word_suffix: z.string().nullish(),
});

/** Checked without a copy, as is the vocabulary. */
function areMerges(value: unknown): boolean {
  const isText = (part: unknown): boolean => typeof part === "string";
  return (
    Array.isArray(value) &&
    value.every((pair) => isText(pair) || (Array.isArray(pair) && pair.every(isText)))
  );
}

/** Above the positions in a word: a merge in the queue is one number, its rank before its position. */
const POSITIONS = 2 ** 21;
/** Above the ids of a vocabulary, whose pair is one number. */
const IDS = 2 ** 24;

/** Byte pair encoding as in Python's `tokenizers`: the best merges first, of equal ones the leftmost. */
export function createBytePair(config: z.output<typeof bytePairSchema>): WordModel {
  const { ignore_merges, fuse_unk, byte_fallback, end_of_word_suffix } = config;
  const unknownToken = config.unk_token ?? undefined;
  const ids = new Map(Object.entries(config.vocab));
  const unknownId = unknownToken === undefined ? undefined : ids.get(unknownToken);
  const tokens: string[] = [];
  for (const [token, id] of ids) tokens[id] = token;
  const { ranks, results } = readMerges(config.merges, ids);
  const encoder = new TextEncoder();

  const bytesOf = (letter: string): number[] | undefined => {
    const bytes = Array.from(encoder.encode(letter), (byte) =>
      ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
    );
    return bytes.every((id) => id !== undefined) ? bytes : undefined;
  };

  /** The ids of the letters. */
  const lettersOf = function* (word: string): Steps<number[]> {
    const letters: number[] = [];
    let unknownBefore = false;
    for (let at = 0, work = 0; at < word.length; ) {
      const end = at + ((word.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
      const bare = word.slice(at, end);
      const letter = end === word.length ? bare + (end_of_word_suffix ?? "") : bare;
      at = end;
      const id = ids.get(letter);
      const own = id === undefined ? (byte_fallback ? bytesOf(letter) : undefined) : [id];
      if (own) for (const one of own) letters.push(one);
      else if (unknownId !== undefined && !(fuse_unk && unknownBefore)) letters.push(unknownId);
      unknownBefore = own === undefined;
      if (++work % STEP_SIZE === 0) yield;
    }
    return letters;
  };

  return {
    ids,
    unknownId,
    unknownToken,
    continuingPrefix: undefined,
    *tokensOf(word) {
      if (ignore_merges && ids.has(word)) return [word];
      const merged = yield* merge(yield* lettersOf(word), ranks, results);
      return merged.map((id) => tokens[id] ?? "");
    },
  };
}

/** @returns the rank of each pair of ids, and the id that the merge of a rank makes */
function readMerges(
  merges: z.output<typeof bytePairSchema>["merges"],
  ids: ReadonlyMap<string, number>,
): { ranks: ReadonlyMap<number, number>; results: readonly number[] } {
  const ranks = new Map<number, number>();
  const results: number[] = [];
  for (const [rank, pair] of merges.entries()) {
    const [left = "", right = ""] = typeof pair === "string" ? pair.split(" ", 2) : pair;
    const [first, second, both] = [ids.get(left), ids.get(right), ids.get(left + right)];
    results.push(both ?? -1);
    if (first !== undefined && second !== undefined && both !== undefined)
      ranks.set(first * IDS + second, rank);
  }
  return { ranks, results };
}

/** Merges adjacent symbols, a linked list whose removed ones have the id -1. */
function* merge(
  symbols: number[],
  ranks: ReadonlyMap<number, number>,
  results: readonly number[],
): Steps<number[]> {
  const next = Int32Array.from(symbols, (_, at) => at + 1);
  const previous = Int32Array.from(symbols, (_, at) => at - 1);
  const end = symbols.length;
  const queue = createQueue();
  const rankAt = (at: number): number | undefined => {
    const after = next[at] ?? end;
    return after < end ? ranks.get((symbols[at] ?? 0) * IDS + (symbols[after] ?? 0)) : undefined;
  };
  const offer = (at: number): void => {
    const rank = rankAt(at);
    if (rank !== undefined) queue.push(rank * POSITIONS + at);
  };
  for (let at = 0; at < end; at++) {
    offer(at);
    if (at % STEP_SIZE === STEP_SIZE - 1) yield;
  }
  for (let work = 1, best = queue.pop(); best !== undefined; best = queue.pop(), work++) {
    if (work % STEP_SIZE === 0) yield;
    const at = best % POSITIONS;
    const result = results[Math.floor(best / POSITIONS)] ?? -1;
    const rank = symbols[at] === -1 ? undefined : rankAt(at);
    // The symbols have changed since the merge was found, to others that are not merged to the same.
    if (rank === undefined || results[rank] !== result) continue;
    const removed = next[at] ?? end;
    const after = next[removed] ?? end;
    symbols[at] = result;
    symbols[removed] = -1;
    next[at] = after;
    if (after < end) previous[after] = at;
    const before = previous[at] ?? -1;
    if (before >= 0) offer(before);
    offer(at);
  }
  return symbols.filter((id) => id !== -1);
}

/** A binary heap of numbers. */
function createQueue(): { push(value: number): void; pop(): number | undefined } {
  const heap: number[] = [];
  return {
    push(value) {
      let at = heap.push(value) - 1;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        const above = heap[parent] ?? 0;
        if (above <= value) break;
        heap[at] = above;
        at = parent;
      }
      heap[at] = value;
    },
    pop() {
      const [top] = heap;
      const value = heap.pop();
      if (value === undefined || heap.length === 0) return top;
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if ((heap[child + 1] ?? Number.POSITIVE_INFINITY) < (heap[child] ?? 0)) child++;
        const below = heap[child];
        if (below === undefined || below >= value) break;
        heap[at] = below;
        at = child;
      }
      heap[at] = value;
      return top;
    },
  };
}
