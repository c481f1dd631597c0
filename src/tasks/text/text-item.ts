import { ApiError } from "../../domain/errors.ts";
import { Media } from "../../domain/media.ts";
import { describe } from "../../domain/tensor-json.ts";
import type { Item } from "../encoder.ts";

/** What a task that reads texts takes beside JSON. */
export const TEXT_MEDIA_TYPES = ["text/plain"] as const;

/**
 * The text of an item: a JSON text, or `text/plain` in UTF-8.
 * @throws ApiError `invalid_input`
 */
export function textOf({ value, place }: Item): string {
  if (typeof value === "string") return value;
  if (value instanceof Media) return decode(value.bytes, place);
  throw new ApiError(
    "invalid_input",
    `${place} must be a text${place === "inputs" ? " or a list of texts" : ""}; got ${describe(value)}.`,
  );
}

function decode(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new ApiError("invalid_input", `${place} is not valid UTF-8: send a text in UTF-8.`, {
      cause,
    });
  }
}
