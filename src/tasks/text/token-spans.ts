import type { Encoding, Tokenizer, Word } from "./tokenizer.ts";
import { finish, type Steps } from "./word-model.ts";

/** A part of the text, from `start` to `end`, in UTF-16 code units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A normalized text, and for each of its code units the part of the original text that it is made from. */
interface Aligned {
  readonly text: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Parts of a text that are normalized in one piece of work. */
const STEP_PARTS = 2048;
const NOWHERE: Span = { start: 0, end: 0 };
const MARK = "▁";
const BYTE_SPACE = "Ġ";

/**
 * The span of the text that each token is made from; special tokens have the empty span from 0 to 0. Tokens of a word
 * that cannot be separated, such as the bytes of one character, share its span.
 * Where a normalizer changes characters depending on distant ones, all tokens share the span of the section.
 */
export function* locateTokens(
  text: string,
  encoding: Encoding,
  tokenizer: Tokenizer,
): Steps<Span[]> {
  const spans: Span[] = [];
  let section: { word: Word; aligned: Aligned; cursor: number } | undefined;
  for (const word of encoding.words) {
    if (word.added === "as-written") {
      const spaces = tokenizer.writing === "bytes" ? leadingSpaces(text, word) : 0;
      spans.push({ start: word.start + spaces, end: word.end });
      continue;
    }
    if (section?.word.start !== word.start || section.word.end !== word.end) {
      const aligned =
        (yield* align(text, word, tokenizer.normalize)) ??
        alignAsWhole(text, word, tokenizer.normalize);
      section = { word, aligned, cursor: 0 };
    }
    if (word.added) {
      const written = tokenizer.normalize(word.text);
      const from = Math.max(section.cursor, section.aligned.text.indexOf(written, section.cursor));
      section.cursor = from + written.length;
      spans.push(spanOf(section.aligned, from, section.cursor));
      continue;
    }
    const located =
      tokenizer.writing === "bytes"
        ? locateByteWord(section.aligned, word, section.cursor)
        : locateWord(section.aligned, word, section.cursor, tokenizer);
    section.cursor = located.cursor;
    for (const span of located.spans) spans.push(span);
  }
  const own = spans.slice(encoding.skipped, encoding.skipped + encoding.length);
  const trailing = encoding.ids.length - encoding.leading - own.length;
  return [...nowhere(encoding.leading), ...own, ...nowhere(trailing)];
}

/** Whether the normalizer works character by character, so that its result can be aligned with the text. */
export function canLocate({ normalize }: Tokenizer): boolean {
  const probe = "A b-1";
  return finish(align(probe, { start: 0, end: probe.length }, normalize)) !== undefined;
}

/** The spaces that an added token includes before its content. */
function leadingSpaces(text: string, { start, end }: Word): number {
  const written = text.slice(start, end);
  return written.length - written.trimStart().length;
}

function nowhere(count: number): Span[] {
  return Array.from({ length: count }, () => NOWHERE);
}

/** By code points, or where adjacent ones are normalized together by graphemes or runs of spaces. */
function* align(
  text: string,
  { start, end }: Span,
  normalize: (text: string) => string,
): Steps<Aligned | undefined> {
  const section = text.slice(start, end);
  const normalized = normalize(section);
  return (
    (yield* alignParts(section, start, normalized, normalize)) ??
    (yield* alignParts(graphemes(section), start, normalized, normalize)) ??
    (yield* alignParts(joinSpaces(graphemes(section)), start, normalized, normalize))
  );
}

function* alignParts(
  parts: Iterable<string>,
  start: number,
  text: string,
  normalize: (text: string) => string,
): Steps<Aligned | undefined> {
  const starts: number[] = [];
  const ends: number[] = [];
  let position = start;
  let work = 0;
  for (const part of parts) {
    const written = normalize(part);
    if (!text.startsWith(written, starts.length)) return undefined;
    for (let unit = 0; unit < written.length; unit++) {
      starts.push(position);
      ends.push(position + part.length);
    }
    position += part.length;
    if (++work % STEP_PARTS === 0) yield;
  }
  return starts.length === text.length ? { text, starts, ends } : undefined;
}

function alignAsWhole(text: string, span: Span, normalize: (text: string) => string): Aligned {
  const normalized = normalize(text.slice(span.start, span.end));
  return {
    text: normalized,
    starts: Array.from({ length: normalized.length }, () => span.start),
    ends: Array.from({ length: normalized.length }, () => span.end),
  };
}

function* joinSpaces(parts: Iterable<string>): Generator<string> {
  let spaces = "";
  for (const part of parts) {
    if (part === " ") {
      spaces += part;
      continue;
    }
    if (spaces !== "") yield spaces;
    spaces = "";
    yield part;
  }
  if (spaces !== "") yield spaces;
}

function* graphemes(text: string): Generator<string> {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(text)) yield segment;
}

function spanOf({ starts, ends }: Aligned, from: number, to: number): Span {
  const start = starts[from] ?? ends.at(-1) ?? 0;
  return to > from ? { start, end: ends[to - 1] ?? start } : { start, end: start };
}

/** Finds the word in the normalized text, where a mark is a space; a leading mark may have been added. */
function locateWord(
  aligned: Aligned,
  word: Word,
  cursor: number,
  { continuingPrefix, unknownToken, writing }: Tokenizer,
): { spans: Span[]; cursor: number } {
  const marked = writing !== "plain" && word.text.startsWith(MARK);
  const bare = marked ? word.text.slice(MARK.length) : word.text;
  let from = cursor;
  let prefix = 0;
  for (; from < aligned.text.length; from++) {
    if (writing !== "marked-words" && standsAt(aligned.text, word.text, from, marked)) break;
    if (marked && standsAt(aligned.text, bare, from, marked)) {
      prefix = MARK.length;
      break;
    }
  }
  const end = Math.min(aligned.text.length, from + word.text.length - prefix);
  const whole = spanOf(aligned, from, end);
  const bodies = word.tokens.map((token, index) =>
    index > 0 && continuingPrefix && token.startsWith(continuingPrefix)
      ? token.slice(continuingPrefix.length)
      : token,
  );
  if (
    bodies.join("") !== word.text ||
    (word.tokens.length === 1 && word.tokens[0] === unknownToken)
  )
    return { spans: word.tokens.map(() => whole), cursor: end };
  let at = from - prefix;
  const spans = bodies.map((body) => {
    const start = Math.max(from, at);
    at += body.length;
    // An added mark shares the span of the letter after it.
    return spanOf(aligned, start, Math.max(Math.min(start + 1, aligned.text.length), at));
  });
  return { spans, cursor: end };
}

function standsAt(text: string, word: string, from: number, marked: boolean): boolean {
  if (text.startsWith(word, from)) return true;
  if (!marked) return false;
  for (let unit = 0; unit < word.length; unit++) {
    const letter = text[from + unit];
    if (letter !== word[unit] && !(letter === " " && word[unit] === MARK)) return false;
  }
  return true;
}

/** Each letter of the word is a byte of the normalized text; a leading space may have been added. */
function locateByteWord(
  aligned: Aligned,
  word: Word,
  cursor: number,
): { spans: Span[]; cursor: number } {
  const added = word.text.startsWith(BYTE_SPACE) && aligned.text[cursor] !== " " ? 1 : 0;
  /** For each byte of the word, the code unit that its character begins with, and where that ends. */
  const units: Span[] = added ? [{ start: cursor, end: cursor }] : [];
  let unit = cursor;
  while (units.length < word.text.length && unit < aligned.text.length) {
    const point = aligned.text.codePointAt(unit) ?? 0;
    const end = unit + (point > 0xffff ? 2 : 1);
    for (let byte = utf8Length(point); byte > 0; byte--) units.push({ start: unit, end });
    unit = end;
  }
  let at = 0;
  const spans = word.tokens.map((token) => {
    const spaces = token.length - token.replace(/^Ġ+/, "").length;
    // Leading spaces are not part of a token's span, as with `trim_offsets` in Python.
    const first =
      units[Math.min(at + spaces, at + token.length - (spaces === token.length ? 0 : 1))];
    const last = units[at + token.length - 1];
    at += token.length;
    if (!last) return spanOf(aligned, unit, unit);
    return first && first.start <= last.start
      ? spanOf(aligned, first.start, last.end)
      : spanOf(aligned, last.end, last.end);
  });
  return { spans, cursor: unit };
}

function utf8Length(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}
