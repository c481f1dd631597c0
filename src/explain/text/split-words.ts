import type { Span } from "../../tasks/text/token-spans.ts";

/** Scripts whose words have no spaces between them. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/**
 * The words of a text, with the punctuation around them, in UTF-16 code units: what stands between spaces. Where a script has no
 * spaces, the dictionary of ICU says what is a word.
 */
export function splitWords(text: string): Span[] {
  const words: Span[] = [];
  for (const { 0: chunk, index } of text.matchAll(/\S+/gu))
    if (UNSPACED.test(chunk)) for (const span of segmentsOf(chunk, index)) words.push(span);
    else words.push({ start: index, end: index + chunk.length });
  return words;
}

/** Punctuation belongs to the word before it, or to the first one. */
function segmentsOf(chunk: string, offset: number): Span[] {
  const spans: { start: number; end: number }[] = [];
  let begun = offset;
  const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
  for (const { segment, index, isWordLike } of segmenter.segment(chunk)) {
    const end = offset + index + segment.length;
    const last = spans.at(-1);
    if (isWordLike) spans.push({ start: begun, end });
    else if (last) last.end = end;
    else continue;
    begun = end;
  }
  return spans.length > 0 ? spans : [{ start: offset, end: offset + chunk.length }];
}

/** The word that a token is in, -1 for one of spaces alone. */
export function wordAt(words: readonly Span[], { start, end }: Span): number {
  let low = 0;
  let high = words.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((words[middle] as Span).end <= start) low = middle + 1;
    else high = middle;
  }
  const word = words[low];
  return word && word.start < Math.max(end, start + 1) ? low : -1;
}
