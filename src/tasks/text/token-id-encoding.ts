import { ApiError } from "../../domain/errors.ts";
import type { TokenIds } from "../../domain/token-ids.ts";
import type { EncodeOptions, Encoding, Tokenizer } from "./tokenizer.ts";

/**
 * Token ids as a client sends them. They must be a text's ids by the model's own tokenizer: of its vocabulary, with its
 * special tokens. LangChain sends ids of OpenAI's tokenizer, which would pass for others and give a wrong vector.
 * @throws ApiError `invalid_input`
 */
export function encodeIds(
  { ids }: TokenIds,
  path: string,
  tokenizer: Tokenizer,
  { maxLength, truncation }: EncodeOptions,
): Encoding {
  const { leading, trailing } = tokenizer;
  if (ids.length === 0)
    throw new ApiError("invalid_input", `${path} has no tokens: send at least one.`);
  const wrong = ids.find((id) => !tokenizer.hasId(id));
  if (wrong !== undefined)
    throw foreignIds(path, `the token ${wrong} is not in the model's vocabulary`);
  const own = ids.slice(leading.length, Math.max(leading.length, ids.length - trailing.length));
  const isWhole = [...leading, ...own, ...trailing].every((id, at) => id === ids[at]);
  if (!isWhole || ids.length !== leading.length + own.length + trailing.length)
    throw foreignIds(path, describeSpecial(leading, trailing));
  const room = Math.max(0, maxLength - leading.length - trailing.length);
  if (own.length > room && truncation === "error")
    throw new ApiError(
      "invalid_input",
      `${path} has ${ids.length} tokens: this model reads ${maxLength} at most.`,
      { details: { maxTokens: maxLength, actual: ids.length } },
    );
  const skipped = truncation === "start" ? Math.max(0, own.length - room) : 0;
  const kept = own.slice(skipped, skipped + room);
  const read = [...leading, ...kept, ...trailing];
  return {
    ids: read,
    typeIds: read.map(() => 0),
    tokens: [],
    leading: leading.length,
    words: [],
    skipped,
    length: kept.length,
  };
}

function foreignIds(path: string, reason: string): ApiError {
  return new ApiError(
    "invalid_input",
    `${path} is not a text by this model's tokenizer: ${reason}. Send texts instead of token ids; LangChain's OpenAIEmbeddings does with check_embedding_ctx_length=False.`,
  );
}

function describeSpecial(leading: readonly number[], trailing: readonly number[]): string {
  const begins = leading.length > 0 ? [`begin with ${leading.join(", ")}`] : [];
  const ends = trailing.length > 0 ? [`end with ${trailing.join(", ")}`] : [];
  return `its token ids ${[...begins, ...ends].join(" and ")}`;
}
