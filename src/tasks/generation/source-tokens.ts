import type { SourceTextBlock } from "../../domain/blocks/preprocess/source-text.ts";
import { ApiError } from "../../domain/errors.ts";
import { quote, quoteAll } from "../../shared/quote.ts";
import type { Item } from "../preprocessor.ts";
import { textOf } from "../text/text-item.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Steps } from "../text/word-model.ts";

type Languages = NonNullable<SourceTextBlock["languages"]>;

export interface SourceParameters {
  readonly truncation?: string | boolean | undefined;
  readonly src_lang?: string | undefined;
  readonly tgt_lang?: string | undefined;
}

/**
 * The tokens of a text that an encoder reads.
 * @throws ApiError `invalid_input` for a text without tokens, and for one that is too long
 */
export function* encodeSource(
  tokenizer: Tokenizer,
  { maxTokens, prefix = "", languages }: SourceTextBlock,
  item: Item,
  parameters: SourceParameters,
): Steps<readonly number[]> {
  const { path } = item;
  const source = languageToken(languages, parameters, "src_lang");
  const options = { maxLength: maxTokens, truncation: truncationOf(parameters) } as const;
  const text = textOf(item);
  const encoding = yield* tokenizer.encode(prefix + text, path, options);
  const { ids, leading, length, skipped } = encoding;
  if (text === "" || length + skipped === 0)
    throw new ApiError("invalid_input", `${path} is empty: send a text of at least one token.`);
  if (source === undefined || !languages) return ids;
  const known = new Set(Object.values(languages.tokens));
  return ids.map((id, index) => {
    const isOfText = index >= leading && index < leading + length;
    return !isOfText && known.has(id) ? source : id;
  });
}

/** The token with which a result begins: of the target language, where a model has several. */
export function targetToken(
  { languages }: SourceTextBlock,
  parameters: SourceParameters,
): number | undefined {
  return languageToken(languages, parameters, "tgt_lang");
}

/** @throws ApiError `invalid_request` for a language that the model does not have */
function languageToken(
  languages: Languages | undefined,
  parameters: SourceParameters,
  field: "src_lang" | "tgt_lang",
): number | undefined {
  const asked = parameters[field];
  if (!languages) {
    if (asked === undefined) return undefined;
    throw new ApiError(
      "invalid_request",
      `"${field}" is ${quote(asked)}, and the model has no choice of languages: leave it out.`,
      { details: { field } },
    );
  }
  const code = asked ?? (field === "src_lang" ? languages.source : languages.target);
  if (Object.hasOwn(languages.tokens, code)) return languages.tokens[code];
  const valid = Object.keys(languages.tokens);
  throw new ApiError(
    "invalid_request",
    `"${field}" is ${quote(code)}, which is not one of the model's languages: ${quoteAll(valid)}.`,
    { details: { field, valid } },
  );
}

function truncationOf({ truncation }: SourceParameters): "end" | "error" {
  return truncation === undefined || truncation === false || truncation === "do_not_truncate"
    ? "error"
    : "end";
}
