import { alignLists } from "../../shared/edit-distance.ts";
import type { TaskPart } from "../task.ts";
import {
  type CompareOptions,
  type CompareValues,
  type Comparison,
  compareStructure,
  DIFFERENT_STRUCTURE,
  isRecord,
} from "./comparison.ts";
import { combine } from "./over-items.ts";

/** The fields of results that have the text. */
const TEXT_FIELDS = ["generated_text", "summary_text", "translation_text", "text"] as const;

interface Text {
  readonly text: string;
  /** Where they were requested. */
  readonly tokens: readonly number[] | undefined;
}

/** Of generated texts and transcripts: the same when all of their tokens are, or all words where there are no tokens. */
export const compareTexts: CompareValues = (first, second, options) => {
  const [a, b] = [toTexts(first), toTexts(second)];
  if (!a || !b) return compareStructure(first, second);
  if (a.length !== b.length) return DIFFERENT_STRUCTURE;
  return combine(a.map((text, index) => compareText(text, b[index] as Text, options)));
};

/** Of the parts of two streams, each with a token, or with the text of some seconds. */
export function compareParts(first: readonly TaskPart[], second: readonly TaskPart[]): Comparison {
  const [a, b] = [toElements(first), toElements(second)];
  return a && b ? compareElements(a, b) : compareStructure(first, second);
}

function compareText(first: Text, second: Text, { prompt = "" }: CompareOptions): Comparison {
  if (first.tokens && second.tokens) return compareElements(first.tokens, second.tokens);
  const isShared = first.text.startsWith(prompt) && second.text.startsWith(prompt);
  const [a, b] = [first, second].map(({ text }) =>
    wordsOf(isShared ? text.slice(prompt.length) : text),
  ) as [string[], string[]];
  return compareElements(a, b);
}

function compareElements<T>(first: readonly T[], second: readonly T[]): Comparison {
  const { leading, edits } = alignLists(first, second);
  const longer = Math.max(first.length, second.length);
  return {
    same: edits === 0,
    measure: "edit_distance",
    distance: longer === 0 ? 0 : edits / longer,
    detail: { leading, edits, longer },
  };
}

/** The texts of a result; `undefined` for one of another form. */
function toTexts(value: unknown, depth = 0): readonly Text[] | undefined {
  if (Array.isArray(value)) {
    const texts = depth < 2 ? value.map((item) => toTexts(item, depth + 1)) : [undefined];
    return texts.every((each) => each !== undefined) ? texts.flat() : undefined;
  }
  if (!isRecord(value)) return undefined;
  const text = TEXT_FIELDS.map((field) => value[field]).find((each) => typeof each === "string");
  if (typeof text !== "string") return undefined;
  return [{ text, tokens: isRecord(value.details) ? tokensOf(value.details) : undefined }];
}

function tokensOf({ tokens }: Readonly<Record<string, unknown>>): number[] | undefined {
  if (!Array.isArray(tokens)) return undefined;
  const ids = tokens.map((token) => (isRecord(token) ? token.id : undefined));
  return ids.every((id) => typeof id === "number") ? ids : undefined;
}

/** The tokens of parts, or their words; `undefined` for parts that have neither. */
function toElements(parts: readonly TaskPart[]): readonly (number | string)[] | undefined {
  const tokens = tokensOf({ tokens: parts.map((part) => isRecord(part) && part.token) });
  if (tokens && tokens.length > 0) return tokens;
  const texts = parts.map((part) => (isRecord(part) ? part.text : undefined));
  return texts.every((text) => typeof text === "string") ? wordsOf(texts.join("")) : undefined;
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
