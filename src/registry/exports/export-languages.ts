import type { SourceTextBlock } from "../../domain/blocks/preprocess/source-text.ts";
import type { ExportConfig } from "../../domain/export-config.ts";

type Languages = NonNullable<SourceTextBlock["languages"]>;

/** How models of several languages write the token of one, by `model_type`: the code is the first group. */
const FORMS: Readonly<Record<string, RegExp>> = {
  m2m_100: /^(?:__([a-z]{2,3})__|([a-z]{3}_[A-Z][a-z]{3}))$/,
  "nllb-moe": /^([a-z]{3}_[A-Z][a-z]{3})$/,
  mbart: /^([a-z]{2}_[A-Z]{2})$/,
};
/** The target where the configuration names none, as far as the model has it. */
const COMMON = ["en", "eng_Latn", "en_XX"];

/** The languages of a model that translates between several; those of a request that names none are guessed. */
export function deriveLanguages({ config, generationConfig, tokenizer }: ExportConfig): {
  readonly languages?: Languages;
  readonly notes: readonly string[];
} {
  const form = FORMS[config?.model_type ?? ""];
  const tokens: Record<string, number> = {};
  for (const { id, content } of tokenizer?.added_tokens ?? []) {
    const found = form?.exec(content);
    const code = found?.[1] ?? found?.[2];
    if (code !== undefined) tokens[code] = id;
  }
  const codes = Object.keys(tokens);
  const [first] = codes;
  if (first === undefined) return { notes: [] };
  const written = JSON.stringify(tokenizer?.post_processor ?? null);
  const isWritten = (code: string): boolean =>
    [`"${code}"`, `"__${code}__"`].some((text) => written.includes(text));
  const source = codes.find(isWritten) ?? first;
  const [forced] = generationConfig?.forced_bos_token_id ?? [];
  const target =
    codes.find((code) => tokens[code] === forced) ??
    COMMON.find((code) => code !== source && code in tokens) ??
    codes.find((code) => code !== source) ??
    source;
  return {
    languages: { tokens, source, target },
    notes: [
      `${codes.length} languages; a request that names none translates from ${source} to ${target}`,
    ],
  };
}
