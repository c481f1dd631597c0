import * as z from "zod";
import { vocabularySchema, type WordModel } from "./word-model.ts";

export const wordPieceSchema = z.object({
  type: z.literal("WordPiece"),
  vocab: vocabularySchema,
  unk_token: z.string(),
  continuing_subword_prefix: z.string().default("##"),
  max_input_chars_per_word: z.int().min(1).max(1000).default(100),
});

/** WordPiece as in Python's `tokenizers`: the longest pieces from left to right, or one unknown token. */
export function createWordPiece(config: z.output<typeof wordPieceSchema>): WordModel {
  const { continuing_subword_prefix: prefix, unk_token: unknown } = config;
  const ids = new Map(Object.entries(config.vocab));
  let longest = 0;
  for (const piece of ids.keys()) longest = Math.max(longest, piece.length);

  const split = (word: string): string[] => {
    const tokens: string[] = [];
    for (let start = 0; start < word.length; ) {
      const lead = start > 0 ? prefix : "";
      let end = Math.min(word.length, start + longest - lead.length);
      while (end > start && !ids.has(lead + word.slice(start, end))) end--;
      if (end <= start) return [unknown];
      tokens.push(lead + word.slice(start, end));
      start = end;
    }
    return tokens;
  };

  return {
    ids,
    unknownId: ids.get(unknown),
    unknownToken: unknown,
    continuingPrefix: prefix,
    // biome-ignore lint/correctness/useYield: a word has so few letters that it is one piece of work.
    *tokensOf(word) {
      return hasMoreCharacters(word, config.max_input_chars_per_word) ? [unknown] : split(word);
    },
  };
}

/** Whether a text has more characters, each of one or two code units. */
function hasMoreCharacters(text: string, limit: number): boolean {
  if (text.length <= limit) return false;
  return text.length > 2 * limit || Array.from(text).length > limit;
}
