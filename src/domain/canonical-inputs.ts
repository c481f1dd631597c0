import { toHex } from "../shared/hex.ts";
import { isJsonNumber } from "../shared/json-number.ts";
import { sha256 } from "../shared/sha256.ts";
import { Conversation } from "./conversation.ts";
import { Media } from "./media.ts";
import { TokenIds } from "./token-ids.ts";

/**
 * The inputs or parameters of a task as a value of JSON that is the same for equal ones, in whatever order their fields are, and another one
 * for all others: lists and objects are tagged, and of files there is the SHA-256.
 */
export async function toCanonical(value: unknown): Promise<unknown> {
  if (isJsonNumber(value)) return ["number", value()];
  if (typeof value === "bigint") return ["number", String(value)];
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Media) return ["media", value.type, toHex(await sha256(value.bytes))];
  if (value instanceof Uint8Array) return ["bytes", toHex(await sha256(value))];
  if (value instanceof TokenIds) return ["tokens", value.ids];
  if (value instanceof Conversation) return ["conversation", await toCanonical(value.messages)];
  if (Array.isArray(value))
    return ["list", value.some(isStructured) ? await Promise.all(value.map(toCanonical)) : value];
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(async ([name, field]) => [name, await toCanonical(field)]);
  return ["object", await Promise.all(fields)];
}

function isStructured(value: unknown): boolean {
  return value === null ? false : !["string", "number", "boolean"].includes(typeof value);
}
