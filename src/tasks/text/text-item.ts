import { ApiError } from "../../domain/errors.ts";
import { Media } from "../../domain/media.ts";
import { describe } from "../../domain/tensor-json.ts";
import type { Item } from "../preprocessor.ts";
import { RankedText } from "./text-forms.ts";

/**
 * A longer text, in UTF-16 code units, is refused before it is tokenized. The time and the memory that a tokenizer takes
 * grow with the characters; ordinary text of this length has more tokens than any model reads.
 */
export const MAX_CHARACTERS = 65_536;
/** Texts of a request. */
export const MAX_TEXTS = 2048;
/** Characters of all texts of a request, in UTF-16 code units. */
export const MAX_TOTAL_CHARACTERS = 1_000_000;

/** @throws ApiError `invalid_input` for more texts than a request may have */
export function checkTextCount(count: number): void {
  if (count <= MAX_TEXTS) return;
  throw new ApiError(
    "invalid_input",
    `inputs has ${count} texts: a request may have ${MAX_TEXTS} at most.`,
    { details: { maxTexts: MAX_TEXTS, actual: count } },
  );
}

/** @throws ApiError `invalid_input` for more characters than a request may have */
export function checkTotalCharacters(total: number): void {
  if (total <= MAX_TOTAL_CHARACTERS) return;
  throw new ApiError(
    "invalid_input",
    `inputs has ${total} characters: a request may have ${MAX_TOTAL_CHARACTERS} at most.`,
    { details: { maxCharacters: MAX_TOTAL_CHARACTERS, actual: total } },
  );
}

/**
 * @param path the name of the text in messages
 * @throws ApiError `invalid_input` for a longer text than a model gets
 */
export function checkTextLength({ length }: string, path: string): void {
  if (length <= MAX_CHARACTERS) return;
  throw new ApiError(
    "invalid_input",
    `${path} is ${length} characters long: a text may have ${MAX_CHARACTERS} at most.`,
    { details: { maxCharacters: MAX_CHARACTERS, actual: length } },
  );
}

/**
 * The text of an item: a JSON string, or `text/plain` in UTF-8.
 * @throws ApiError `invalid_input`
 */
export function textOf({ value, path }: Item): string {
  if (typeof value === "string") return value;
  if (value instanceof RankedText) return value.text;
  if (value instanceof Media) return decode(value.bytes, path);
  throw new ApiError(
    "invalid_input",
    `${path} must be a text${path === "inputs" ? " or a list of texts" : ""}; got ${describe(value)}.`,
  );
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new ApiError("invalid_input", `${path} is not valid UTF-8: send a text in UTF-8.`, {
      cause,
    });
  }
}
