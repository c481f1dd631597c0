import type { Aggregation } from "../../domain/blocks/postprocess/token-classification.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A token of a text with the probability of each label; `start` and `end` are in UTF-16 code units. */
export interface ScoredToken {
  readonly token: string;
  /** Among all tokens of the text, special ones included. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly scores: readonly number[];
}

export interface AggregationOptions {
  readonly aggregation: Aggregation;
  readonly ignoreLabels: readonly string[];
}

/** An entry of the prediction; `start` and `end` count Unicode code points, as Python does. */
export type Entity =
  | { entity: string; score: number; index: number; word: string; start: number; end: number }
  | { entity_group: string; score: number; word: string; start: number; end: number };

/** A token or a word with its best label. */
interface Labelled {
  readonly label: string;
  readonly score: number;
  readonly index: number;
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

interface Piece extends ScoredToken {
  /** As it is joined with others. */
  readonly word: string;
  readonly continues: boolean;
}

/**
 * The aggregation of `TokenClassificationPipeline` in Hugging Face's `transformers`: labels that begin with `B-`
 * begin an entity, others continue one of the same name; `first`, `average` and `max` choose one label for each word
 * before.
 */
export function toEntities(
  text: string,
  tokens: readonly ScoredToken[],
  labels: readonly string[],
  tokenizer: Tokenizer,
  { aggregation, ignoreLabels }: AggregationOptions,
): Entity[] {
  const codePoint = codePointCounter(text);
  const pieces = tokens.map((token) => toPiece(text, token, tokenizer));
  const labelled =
    aggregation === "none" || aggregation === "simple"
      ? pieces.map((piece) => ({ ...best(piece.scores, labels), ...placeOf(piece) }))
      : words(pieces).map((word) => agree(word, labels, aggregation, tokenizer));
  const wanted = (name: string): boolean => !ignoreLabels.includes(name);
  if (aggregation === "none")
    return labelled
      .filter(({ label }) => wanted(label))
      .map(({ label, score, index, word, start, end }) => ({
        entity: label,
        score,
        index,
        word,
        start: codePoint(start),
        end: codePoint(end),
      }));
  return groups(labelled)
    .map((group) => ({
      entity_group: nameOf(group[0]?.label ?? ""),
      score: mean(group.map(({ score }) => score)),
      word: tokenizer.join(group.map(({ word }) => word)),
      start: codePoint(group[0]?.start ?? 0),
      end: codePoint(group.at(-1)?.end ?? 0),
    }))
    .filter(({ entity_group }) => wanted(entity_group));
}

function toPiece(text: string, token: ScoredToken, tokenizer: Tokenizer): Piece {
  const part = text.slice(token.start, token.end);
  if (tokenizer.isUnknown(token.token)) return { ...token, word: part, continues: false };
  const continues = tokenizer.continuingPrefix
    ? [...token.token].length !== [...part].length
    : token.start > 0 && !aroundStart(text, token.start).includes(" ");
  return { ...token, word: token.token, continues };
}

/** The code points before and at a position. */
function aroundStart(text: string, start: number): string {
  const before = [...text.slice(Math.max(0, start - 2), start)].at(-1) ?? "";
  return before + ([...text.slice(start, start + 2)][0] ?? "");
}

function words(pieces: readonly Piece[]): Piece[][] {
  const found: Piece[][] = [];
  for (const piece of pieces) {
    const word = found.at(-1);
    if (word && piece.continues) word.push(piece);
    else found.push([piece]);
  }
  return found;
}

function agree(
  word: readonly Piece[],
  labels: readonly string[],
  aggregation: "first" | "average" | "max",
  tokenizer: Tokenizer,
): Labelled {
  const [first = { scores: [], start: 0, index: 0 }] = word;
  const location = {
    index: first.index,
    word: tokenizer.join(word.map((piece) => piece.word)),
    start: first.start,
    end: word.at(-1)?.end ?? 0,
  };
  if (aggregation === "first") return { ...best(first.scores, labels), ...location };
  if (aggregation === "average") {
    const averages = labels.map((_, label) => mean(word.map(({ scores }) => scores[label] ?? 0)));
    return { ...best(averages, labels), ...location };
  }
  let strongest = first.scores;
  for (const { scores } of word)
    if (Math.max(...scores) > Math.max(...strongest)) strongest = scores;
  return { ...best(strongest, labels), ...location };
}

function groups(labelled: readonly Labelled[]): Labelled[][] {
  const found: Labelled[][] = [];
  for (const entry of labelled) {
    const last = found.at(-1)?.at(-1);
    const continues =
      last && !entry.label.startsWith("B-") && tagOf(entry.label) === tagOf(last.label);
    if (continues) found.at(-1)?.push(entry);
    else found.push([entry]);
  }
  return found;
}

/** The label without a `B-` or `I-` in front. */
function tagOf(label: string): string {
  return /^[BI]-/.test(label) ? label.slice(2) : label;
}

/** What follows the first hyphen. */
function nameOf(label: string): string {
  const hyphen = label.indexOf("-");
  return hyphen < 0 ? label : label.slice(hyphen + 1);
}

function best(
  scores: readonly number[],
  labels: readonly string[],
): { label: string; score: number } {
  let at = 0;
  for (const [index, score] of scores.entries()) if (score > (scores[at] ?? 0)) at = index;
  return { label: labels[at] ?? "", score: scores[at] ?? 0 };
}

function placeOf({ index, word, start, end }: Piece): Omit<Labelled, "label" | "score"> {
  return { index, word, start, end };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Counts the code points before a position in UTF-16 code units, each in constant time. */
function codePointCounter(text: string): (unit: number) => number {
  const before = new Uint32Array(text.length + 1);
  for (let unit = 0; unit < text.length; unit++) {
    const low = text.charCodeAt(unit) & 0xfc00;
    const continues = low === 0xdc00 && unit > 0 && (text.charCodeAt(unit - 1) & 0xfc00) === 0xd800;
    before[unit + 1] = (before[unit] ?? 0) + (continues ? 0 : 1);
  }
  return (unit) => before[unit] ?? 0;
}
