import { toHex } from "../shared/hex.ts";
import { isJsonNumber } from "../shared/json-number.ts";
import { sha256 } from "../shared/sha256.ts";
import { Conversation } from "./conversation.ts";
import { Media } from "./media.ts";
import { TokenIds } from "./token-ids.ts";

/** Of longer texts there is the SHA-256: as JSON, a text of control characters is six times as long. */
const INLINE_CHARACTERS = 4096;

/**
 * The inputs or parameters of a task as a value of JSON that is the same for equal ones, in whatever order their fields are, and another one
 * for all others: lists and objects are tagged, and of files and long texts there is the SHA-256.
 */
export async function toCanonical(value: unknown): Promise<unknown> {
  const digests: Promise<void>[] = [];
  const canonical = tag(value, digests);
  await Promise.all(digests);
  return canonical;
}

/** @param digests what is still written to the result: a promise for each value would take microseconds, and there may be 500,000 */
function tag(value: unknown, digests: Promise<void>[]): unknown {
  const digestOf = (kind: readonly string[], data: Uint8Array | string): unknown => {
    const tagged = [...kind];
    digests.push(sha256(data).then((digest) => void tagged.push(toHex(digest))));
    return tagged;
  };
  if (isLongText(value)) return digestOf(["text"], value);
  if (isJsonNumber(value)) return ["number", value()];
  if (typeof value === "bigint") return ["number", String(value)];
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Media) return digestOf(["media", value.type], value.bytes);
  if (value instanceof Uint8Array) return digestOf(["bytes"], value);
  if (value instanceof TokenIds) return ["tokens", value.ids];
  if (value instanceof Conversation) return ["conversation", tag(value.messages, digests)];
  if (Array.isArray(value))
    return ["list", value.every(isPlain) ? value : value.map((each) => tag(each, digests))];
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => [name, tag(field, digests)]);
  return ["object", fields];
}

/** In UTF-8, halves of surrogate pairs are all the same. */
function isLongText(value: unknown): value is string {
  return typeof value === "string" && value.length > INLINE_CHARACTERS && value.isWellFormed();
}

/** Whether a value is its own canonical form. */
function isPlain(value: unknown): boolean {
  if (typeof value === "string") return !isLongText(value);
  return value === null || typeof value === "number" || typeof value === "boolean";
}
