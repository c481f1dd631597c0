import * as z from "zod";

export const addedTokenSchema = z.object({
  id: z.int().min(0),
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
  special: z.boolean().default(false),
});

export type AddedToken = z.output<typeof addedTokenSchema>;

/** A part of a text from `start` to `end`, in UTF-16 code units: plain, or one added token. */
export interface Section {
  readonly start: number;
  readonly end: number;
  readonly token?: AddedToken;
}

/** Splits a text at its added tokens; empty parts are left out. */
export type SplitAtTokens = (text: string) => Section[];

const ENDS_IN_WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const BEGINS_WITH_WORD = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const WHITE_SPACE = /\p{White_Space}/u;

/**
 * Of tokens that begin at the same position the longest is taken, as in Python's `tokenizers`.
 * @param contents the tokens, by how each is written in the texts
 */
export function createTokenSplitter(contents: ReadonlyMap<string, AddedToken>): SplitAtTokens {
  if (contents.size === 0) return (text) => (text === "" ? [] : [{ start: 0, end: text.length }]);
  const longestFirst = [...contents.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(RegExp.escape).join("|"), "gu");

  return (text) => {
    const sections: Section[] = [];
    let rest = 0;
    for (const match of text.matchAll(pattern)) {
      const token = contents.get(match[0]);
      let start = match.index;
      let end = start + match[0].length;
      if (!token || (token.single_word && !standsAlone(text, start, end))) continue;
      if (token.lstrip) while (start > rest && WHITE_SPACE.test(text[start - 1] ?? "")) start--;
      if (token.rstrip) while (end < text.length && WHITE_SPACE.test(text[end] ?? "")) end++;
      if (rest < start) sections.push({ start: rest, end: start });
      sections.push({ start, end, token });
      rest = end;
    }
    if (rest < text.length) sections.push({ start: rest, end: text.length });
    return sections;
  };
}

function standsAlone(text: string, start: number, end: number): boolean {
  // Two code units are enough for one code point.
  const before = text.slice(Math.max(0, start - 2), start);
  return !ENDS_IN_WORD.test(before) && !BEGINS_WITH_WORD.test(text.slice(end, end + 2));
}
