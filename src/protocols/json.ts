import { ApiError } from "../domain/errors.ts";
import { parseExactJson } from "../shared/exact-json.ts";
import { checkJsonStructure, JSON_LIMITS, tooMany } from "./json-structure.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

export interface ParseJsonOptions {
  readonly label?: string;
}

/**
 * Parses UTF-8 bytes as JSON. Of duplicate keys the last value is used, as by `JSON.parse` (RFC 8259 leaves it
 * open). No integer is rounded: see {@link parseExactJson}.
 * @param options.label the name of the text in error messages
 * @throws ApiError `invalid_json` that says where the syntax error is, `body_too_large` for more than `JSON_LIMITS` accept
 */
export function parseJson(
  bytes: Uint8Array,
  { label = "The body" }: ParseJsonOptions = {},
): unknown {
  checkJsonStructure(bytes, label);
  try {
    return parseExactJson(DECODER.decode(bytes), {
      maxInexact: JSON_LIMITS.inexactNumbers,
      tooManyInexact: () =>
        tooMany(JSON_LIMITS.inexactNumbers, "numbers that a double does not hold exactly", label),
    });
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError("invalid_json", `${label} is not JSON: ${explain(cause)}.`, { cause });
  }
}

function explain(error: unknown): string {
  if (error instanceof SyntaxError) return error.message;
  return error instanceof TypeError ? "it is not UTF-8" : "it is too large";
}
