import { SplitPreTokenizer } from "@huggingface/tokenizers";
import * as z from "zod";

/**
 * The pre-tokenizers of a tokenizer.json, as Python's `tokenizers` computes them. Those of the npm library partly know
 * only ASCII letters and digits, join punctuation that Python separates, and do not split at `▁`; only `Split`, whose
 * regular expressions the library translates, is used from there.
 */

const leaf = z.discriminatedUnion("type", [
  z.object({ type: z.literal("BertPreTokenizer") }),
  z.object({ type: z.literal("Whitespace") }),
  z.object({ type: z.literal("WhitespaceSplit") }),
  z.object({ type: z.literal("Punctuation"), behavior: z.literal("Isolated").default("Isolated") }),
  z.object({ type: z.literal("Digits"), individual_digits: z.boolean().default(false) }),
  z.object({
    type: z.literal("Metaspace"),
    replacement: z.string().default("▁"),
    add_prefix_space: z.boolean().optional(),
    prepend_scheme: z.enum(["always", "first", "never"]).optional(),
    split: z.boolean().default(true),
  }),
  z.object({
    type: z.literal("ByteLevel"),
    add_prefix_space: z.boolean().default(true),
    use_regex: z.boolean().default(true),
  }),
  z.object({
    type: z.literal("Split"),
    pattern: z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]),
    behavior: z.enum(["Isolated", "Removed"]),
    invert: z.boolean().default(false),
  }),
]);

type PreTokenizerConfig =
  | z.output<typeof leaf>
  | { readonly type: "Sequence"; readonly pretokenizers: readonly PreTokenizerConfig[] };

export const preTokenizerSchema: z.ZodType<PreTokenizerConfig> = z.lazy(() =>
  z.union([
    leaf,
    z.object({ type: z.literal("Sequence"), pretokenizers: z.array(preTokenizerSchema) }),
  ]),
);

/** @param atStart whether the part is the beginning of the text */
export type PreTokenize = (text: string, atStart: boolean) => string[];

const PUNCTUATION = "\\p{P}!-\\/:-@\\[-`{-~";
const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";

export function createPreTokenizer(config: PreTokenizerConfig | null | undefined): PreTokenize {
  if (!config) return (text) => (text === "" ? [] : [text]);
  switch (config.type) {
    case "Sequence": {
      const steps = config.pretokenizers.map(createPreTokenizer);
      return (text, atStart) =>
        steps.reduce(
          (words, step) => words.flatMap((word, index) => step(word, atStart && index === 0)),
          [text],
        );
    }
    case "BertPreTokenizer":
      return matching(`[^\\p{White_Space}${PUNCTUATION}]+|[${PUNCTUATION}]`);
    case "Whitespace":
      return matching(`[${WORD}]+|[^${WORD}\\p{White_Space}]+`);
    case "WhitespaceSplit":
      return matching("\\P{White_Space}+");
    case "Punctuation":
      return matching(`[^${PUNCTUATION}]+|[${PUNCTUATION}]`);
    case "Digits":
      return matching(`\\P{N}+|\\p{N}${config.individual_digits ? "" : "+"}`);
    case "Metaspace": {
      const { replacement, add_prefix_space = true, split } = config;
      const scheme = config.prepend_scheme ?? (add_prefix_space ? "always" : "never");
      return (text, atStart) => {
        const marked = text.replaceAll(" ", replacement);
        const prefixed =
          text === "" || marked.startsWith(replacement)
            ? false
            : scheme === "always" || (scheme === "first" && atStart);
        const whole = prefixed ? replacement + marked : marked;
        return split ? splitBefore(whole, replacement) : [whole];
      };
    }
    case "ByteLevel": {
      const { add_prefix_space, use_regex } = config;
      const words = use_regex ? matching(BYTE_LEVEL) : (text: string): string[] => [text];
      return (text, atStart) => {
        const prefixed = add_prefix_space && !text.startsWith(" ") ? ` ${text}` : text;
        return words(prefixed, atStart).map(toByteLetters);
      };
    }
    case "Split": {
      const library = new SplitPreTokenizer(config);
      return (text) => library.pre_tokenize_text(text);
    }
  }
}

/** GPT-2's pattern. */
const BYTE_LEVEL =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+";

function matching(pattern: string): PreTokenize {
  const expression = new RegExp(pattern, "gu");
  return (text) => text.match(expression) ?? [];
}

function splitBefore(text: string, mark: string): string[] {
  const words: string[] = [];
  let start = 0;
  while (start < text.length) {
    const next = text.indexOf(mark, start + mark.length);
    const end = next < 0 ? text.length : next;
    words.push(text.slice(start, end));
    start = end;
  }
  return words;
}

/** GPT-2's letters for bytes: printable ones stand for themselves, the others are mapped from U+0100 on. */
const BYTE_LETTERS: readonly string[] = (() => {
  const seen = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(seen(byte) ? byte : 0x100 + others++),
  );
})();

function toByteLetters(word: string): string {
  let letters = "";
  for (const byte of new TextEncoder().encode(word)) letters += BYTE_LETTERS[byte];
  return letters;
}

const LETTER_BYTES = new Map(BYTE_LETTERS.map((letter, byte) => [letter, byte]));

/** The bytes of a token in letters for bytes; one with other letters stands for itself, as in Python. */
export function bytesOfLetters(token: string): Uint8Array {
  const bytes = Array.from(token, (letter) => LETTER_BYTES.get(letter));
  return bytes.every((byte) => byte !== undefined)
    ? Uint8Array.from(bytes)
    : new TextEncoder().encode(token);
}

/** Decodes tokens in letters for bytes. */
export function fromByteLetters(tokens: readonly string[]): string {
  const utf8 = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const parts = tokens.map((token) => utf8.decode(bytesOfLetters(token), { stream: true }));
  return parts.join("") + utf8.decode();
}
