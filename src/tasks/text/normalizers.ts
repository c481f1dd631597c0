import { ReplaceNormalizer } from "@huggingface/tokenizers";
import * as z from "zod";
import { toNormalForm } from "../../shared/normal-form.ts";
import { createCharsmap } from "./charsmap.ts";

/**
 * The normalizers of a tokenizer.json, as Python's `tokenizers` computes them. Those of the npm library differ for a
 * final sigma and for ideographs beyond the basic plane, and approximate `Precompiled`; only `Replace`, whose regular
 * expressions the library translates, is used from there.
 */

const replace = z.object({
  type: z.literal("Replace"),
  pattern: z.union([z.object({ String: z.string() }), z.object({ Regex: z.string() })]),
  content: z.string(),
});

const leaf = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("BertNormalizer"),
    clean_text: z.boolean().default(true),
    handle_chinese_chars: z.boolean().default(true),
    strip_accents: z.boolean().nullish(),
    lowercase: z.boolean().default(true),
  }),
  z.object({ type: z.enum(["NFC", "NFD", "NFKC", "NFKD"]) }),
  z.object({ type: z.literal("Lowercase") }),
  z.object({ type: z.literal("StripAccents") }),
  z.object({
    type: z.literal("Strip"),
    strip_left: z.boolean().default(true),
    strip_right: z.boolean().default(true),
  }),
  z.object({ type: z.literal("Prepend"), prepend: z.string() }),
  z.object({ type: z.literal("Precompiled"), precompiled_charsmap: z.string() }),
  replace,
]);

type NormalizerConfig =
  | z.output<typeof leaf>
  | { readonly type: "Sequence"; readonly normalizers: readonly NormalizerConfig[] };

export const normalizerSchema: z.ZodType<NormalizerConfig> = z.lazy(() =>
  z.union([
    leaf,
    z.object({ type: z.literal("Sequence"), normalizers: z.array(normalizerSchema) }),
  ]),
);

export type Normalize = (text: string) => string;

export function createNormalizer(config: NormalizerConfig | null | undefined): Normalize {
  if (!config) return (text) => text;
  switch (config.type) {
    case "Sequence": {
      const steps = config.normalizers.map(createNormalizer);
      return (text) => steps.reduce((normalized, step) => step(normalized), text);
    }
    case "BertNormalizer": {
      const { clean_text, handle_chinese_chars, lowercase: lower } = config;
      const stripAccents = config.strip_accents ?? lower;
      return (text) => {
        let normalized = text;
        if (clean_text) normalized = normalized.replace(NOT_TEXT, "").replace(WHITE_SPACE, " ");
        if (handle_chinese_chars) normalized = normalized.replace(IDEOGRAPH, " $& ");
        if (stripAccents) normalized = withoutAccents(normalized);
        return lower ? lowercase(normalized) : normalized;
      };
    }
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return (text) => toNormalForm(text, config.type);
    case "Lowercase":
      return lowercase;
    case "StripAccents":
      return (text) => text.replace(/\p{M}/gu, "");
    case "Strip": {
      const { strip_left, strip_right } = config;
      return (text) => {
        const left = strip_left ? text.replace(/^\p{White_Space}+/u, "") : text;
        return strip_right ? left.slice(0, trimmedLength(left)) : left;
      };
    }
    case "Prepend":
      return (text) => (text === "" ? text : config.prepend + text);
    case "Precompiled":
      return createCharsmap(config.precompiled_charsmap);
    case "Replace": {
      const library = new ReplaceNormalizer(config);
      return (text) => library.normalize(text);
    }
  }
}

/** What BERT's `clean_text` removes: controls, formats, private use, except tab, line feed and carriage return. */
const NOT_TEXT = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\ufffd]/gu;
const WHITE_SPACE = /\p{White_Space}/gu;
/** The Unicode blocks of BERT's original code. */
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

/** The normal form NFD without its nonspacing marks. */
function withoutAccents(text: string): string {
  // The order of marks matters only to spacing ones, and nonspacing ones have no other parts.
  const first = /\p{Mc}/u.test(text) ? text : text.replace(/\p{Mn}+/gu, "");
  return toNormalForm(first, "NFD").replace(/\p{Mn}+/gu, "");
}

/** Code point by code point: `toLowerCase` alone writes a capital sigma by its position in the word. */
function lowercase(text: string): string {
  const parts = text.split("Σ");
  return parts.length === 1 ? text.toLowerCase() : parts.map((p) => p.toLowerCase()).join("σ");
}

/** The length without trailing white space, in linear time. */
function trimmedLength(text: string): number {
  let length = text.length;
  while (length > 0 && /\p{White_Space}/u.test(text[length - 1] ?? "")) length--;
  return length;
}
