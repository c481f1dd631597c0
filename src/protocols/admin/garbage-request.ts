import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { quote } from "../../shared/quote.ts";
import { parseWith } from "../parse.ts";

/** By default, a day: long after any publication has ended. */
const DEFAULT_GARBAGE_AGE_SECONDS = 86_400;
const MAX_AGE_SECONDS = 31_536_000;
const MAX_KEYS = 1000;
const MAX_KEY_LENGTH = 1024;

const olderThanSeconds = z
  .int()
  .min(0)
  .max(MAX_AGE_SECONDS)
  .optional()
  .describe(
    `Younger objects are not removed; ${DEFAULT_GARBAGE_AGE_SECONDS} by default. Objects of versions are not removed within two hours, whatever is sent.`,
  );
const cursor = z
  .string()
  .min(1)
  .max(MAX_KEY_LENGTH)
  .optional()
  .describe("Of the response before; from the beginning when left out.");

export const collectGarbageRequestSchema = z.strictObject({
  olderThanSeconds,
  keys: z
    .array(z.string().min(1).max(MAX_KEY_LENGTH))
    .min(1)
    .max(MAX_KEYS)
    .optional()
    .describe("Only these objects, of those that would be removed; without `cursor`."),
  cursor,
});

export interface GarbageQuery {
  readonly olderThanMs: number;
  readonly cursor: string | undefined;
}

/** @throws ApiError `invalid_request` */
export function parseCollectGarbage(
  body: unknown,
): GarbageQuery & { readonly keys: readonly string[] | undefined } {
  const {
    olderThanSeconds: seconds,
    keys,
    cursor: after,
  } = parseWith(collectGarbageRequestSchema, body);
  if (keys && after !== undefined)
    throw new ApiError("invalid_request", `Send "keys" or "cursor", but not both.`);
  return {
    olderThanMs: (seconds ?? DEFAULT_GARBAGE_AGE_SECONDS) * 1000,
    keys: keys && [...new Set(keys)],
    cursor: after,
  };
}

/** @throws ApiError `invalid_request` */
export function parseGarbageQuery(
  seconds: string | undefined,
  after: string | undefined,
): GarbageQuery {
  const age = seconds === undefined ? DEFAULT_GARBAGE_AGE_SECONDS : Number(seconds);
  const isValid = seconds === undefined || (/^\d+$/.test(seconds) && age <= MAX_AGE_SECONDS);
  if (!isValid)
    throw new ApiError(
      "invalid_request",
      `The query parameter "olderThanSeconds" must be a whole number from 0 to ${MAX_AGE_SECONDS}; got ${quote(seconds ?? "")}.`,
      { details: { field: "olderThanSeconds" } },
    );
  return { olderThanMs: age * 1000, cursor: after };
}
