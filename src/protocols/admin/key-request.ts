import * as z from "zod";
import { API_KEY_PREFIX, KEY_ID } from "../../domain/access/api-key.ts";
import { KEY_STATES, type KeyState } from "../../domain/access/key-authority.ts";
import {
  keyFieldsSchema,
  keyPatchSchema,
  MAX_OWNER_LENGTH,
} from "../../domain/access/key-schema.ts";
import {
  type KeyFields,
  type KeyPatch,
  type KeyQuery,
  MAX_KEYS_OF_PAGE,
  MAX_OVERLAP_SECONDS,
} from "../../domain/access/stored-key.ts";
import { ApiError } from "../../domain/errors.ts";
import { quote } from "../../shared/quote.ts";
import { parseExactly, parseWith } from "../parse.ts";
import { parseCount } from "./parse-query.ts";

const DEFAULT_PAGE = 100;
/** A day: as long as it takes to give a new secret to everything that uses the key. */
const DEFAULT_OVERLAP_SECONDS = 86_400;

export const rotateKeyRequestSchema = z.strictObject({
  overlapSeconds: z
    .int()
    .min(0)
    .max(MAX_OVERLAP_SECONDS)
    .optional()
    .describe(
      `How long the secret before is still accepted; ${DEFAULT_OVERLAP_SECONDS} by default. 0 ends it at once, for one that is known to others.`,
    ),
});

/** @throws ApiError `invalid_request` */
export function parseCreateKey(body: unknown): KeyFields {
  return parseWith(keyFieldsSchema, body);
}

/** @throws ApiError `invalid_request` */
export function parseChangeKey(body: unknown): KeyPatch {
  return parseExactly(keyPatchSchema, body);
}

/** @throws ApiError `invalid_request` */
export function parseRotateKey(body: unknown): number {
  return parseWith(rotateKeyRequestSchema, body).overlapSeconds ?? DEFAULT_OVERLAP_SECONDS;
}

/**
 * The id in a path. A whole key is never repeated.
 * @throws ApiError `key_not_found`
 */
export function parseKeyId(text: string): string {
  if (KEY_ID.test(text)) return text;
  const what = text.startsWith(API_KEY_PREFIX)
    ? `Use its id alone, the 12 characters after ${API_KEY_PREFIX}. If this was a whole key, rotate it, because addresses of requests are logged in many places`
    : "The id of an API key is 12 letters and digits; GET /admin/keys lists them";
  throw new ApiError("key_not_found", `There is no such API key. ${what}.`);
}

/**
 * @param query reads a query parameter
 * @throws ApiError `invalid_request`
 */
export function parseKeyQuery(query: (name: string) => string | undefined): KeyQuery {
  return {
    limit: parseCount("limit", query("limit"), 1, MAX_KEYS_OF_PAGE) ?? DEFAULT_PAGE,
    cursor: parseCursor(query("cursor")),
    state: parseState(query("state")),
    owner: parseOwner(query("owner")),
  };
}

function parseCursor(text: string | undefined): string | undefined {
  if (text === undefined || /^[1-9][0-9]{0,14}$/.test(text)) return text;
  throw invalid("cursor", `must be the "cursor" of a response before; got ${quote(text)}`);
}

function parseOwner(text: string | undefined): string | undefined {
  if (text === undefined || (text.length > 0 && text.length <= MAX_OWNER_LENGTH)) return text;
  throw invalid("owner", `must have 1 to ${MAX_OWNER_LENGTH} characters; got ${text.length}`);
}

function parseState(text: string | undefined): KeyState | undefined {
  if (text === undefined) return undefined;
  const state = KEY_STATES.find((each) => each === text);
  if (state !== undefined) return state;
  throw invalid("state", `must be one of ${KEY_STATES.join(", ")}; got ${quote(text)}`);
}

function invalid(field: string, problem: string): ApiError {
  return new ApiError("invalid_request", `The query parameter "${field}" ${problem}.`, {
    details: { field },
  });
}
