import type { LogitsProcessor } from "./logits-processor.ts";
import { historyLength, type TokenHistory, tokenAt } from "./token-history.ts";

/** No `size` tokens occur twice in prompt and generated text. Linear in their length, by Knuth, Morris and Pratt's search. */
export function createNoRepeatNgram(size: number): LogitsProcessor {
  const width = size - 1;
  let borders = new Int32Array();
  return (logits, history) => {
    const length = historyLength(history);
    if (length < size) return;
    if (borders.length < width) borders = new Int32Array(width);
    findBorders(history, length - width, borders, width);
    let matched = 0;
    for (let at = 0; at < length; at++) {
      const token = tokenAt(history, at);
      if (matched === width) {
        logits[token] = Number.NEGATIVE_INFINITY;
        if (width === 0) continue;
        matched = borders[matched - 1] as number;
      }
      matched = extend(history, length - width, borders, matched, token);
    }
  };
}

/** For each prefix of the tokens from `start` on, the length of its longest proper suffix that is a prefix as well. */
function findBorders(
  history: TokenHistory,
  start: number,
  borders: Int32Array,
  width: number,
): void {
  borders[0] = 0;
  for (let at = 1; at < width; at++)
    borders[at] = extend(
      history,
      start,
      borders,
      borders[at - 1] as number,
      tokenAt(history, start + at),
    );
}

function extend(
  history: TokenHistory,
  start: number,
  borders: Int32Array,
  from: number,
  token: number,
): number {
  let matched = from;
  while (matched > 0 && tokenAt(history, start + matched) !== token)
    matched = borders[matched - 1] as number;
  return tokenAt(history, start + matched) === token ? matched + 1 : 0;
}

/** The last token of a sequence is banned where the others precede it; end tokens alone are never banned. */
export function createBadWords(
  sequences: readonly (readonly number[])[],
  eosTokenIds: readonly number[],
): LogitsProcessor {
  const words = sequences.filter(
    ([first, ...rest]) => rest.length > 0 || !eosTokenIds.includes(first as number),
  );
  return (logits, history) => {
    for (const word of words)
      if (precede(history, word)) logits[word.at(-1) as number] = Number.NEGATIVE_INFINITY;
  };
}

/** Whether the history ends with all tokens of the word but the last. */
function precede(history: TokenHistory, word: readonly number[]): boolean {
  const start = historyLength(history) - (word.length - 1);
  if (start < 0) return false;
  for (let at = word.length - 2; at >= 0; at--)
    if (tokenAt(history, start + at) !== word[at]) return false;
  return true;
}

/** End tokens are banned until `count` tokens are generated. */
export function createMinNewTokens(count: number, eosTokenIds: readonly number[]): LogitsProcessor {
  return (logits, { generated }) => {
    if (generated.length >= count) return;
    // A write outside a typed array has no effect.
    for (const token of eosTokenIds) logits[token] = Number.NEGATIVE_INFINITY;
  };
}
