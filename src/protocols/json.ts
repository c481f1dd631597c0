import { ApiError } from "../domain/errors.ts";
import { checkJsonStructure } from "./json-structure.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** An integer of 16 digits or more, which may be beyond 2^53 - 1 and so not exact as a number. */
const LONG_INTEGER = /(?<![\d.eE+])\d{16,}(?![\d.eE])/;
const INTEGER = /^-?\d+$/;

export interface ParseJsonOptions {
  readonly exact?: boolean;
  readonly label?: string;
}

/**
 * Parses UTF-8 bytes as JSON. Of duplicate keys the last value is used, as by `JSON.parse` (RFC 8259 leaves it
 * open).
 * @param options.exact whether integers beyond 2^53 - 1 are returned as `bigint` instead of rounded
 * @param options.label the name of the text in error messages
 * @throws ApiError `invalid_json` that says where the syntax error is, `body_too_large` for more than `JSON_LIMITS` accept
 */
export function parseJson(
  bytes: Uint8Array,
  { exact = false, label = "The body" }: ParseJsonOptions = {},
): unknown {
  checkJsonStructure(bytes, label);
  try {
    const text = DECODER.decode(bytes);
    return exact && LONG_INTEGER.test(text) ? parseExactly(text) : JSON.parse(text);
  } catch (cause) {
    throw new ApiError("invalid_json", `${label} is not JSON: ${explain(cause)}.`, { cause });
  }
}

/** A reviver sees the source text of a number, but costs a call for each value. */
function parseExactly(text: string): unknown {
  const revive = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && source && INTEGER.test(source)
      ? BigInt(source)
      : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

function explain(error: unknown): string {
  if (error instanceof SyntaxError) return error.message;
  return error instanceof TypeError ? "it is not UTF-8" : "it is too large";
}
