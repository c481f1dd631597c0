import * as z from "zod";
import { KEY_ID } from "../../domain/access/api-key.ts";
import type { Grantor } from "../../domain/access/grantor.ts";
import { KEY_STATES } from "../../domain/access/key-authority.ts";
import { keyFieldsSchema, keyPatchSchema } from "../../domain/access/key-schema.ts";
import { SCOPES } from "../../domain/access/scope.ts";
import {
  type KeyFields,
  type KeyIdentity,
  type KeyPatch,
  type KeyQuery,
  MAX_KEYS_OF_PAGE,
  MAX_OVERLAP_SECONDS,
} from "../../domain/access/stored-key.ts";
import { ApiError } from "../../domain/errors.ts";
import { issueMessage } from "../../domain/schema-issue.ts";

const identitySchema = z.strictObject({
  id: z.string().regex(KEY_ID, "an id is 12 letters and digits"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "a digest is 64 lower-case hexadecimal digits"),
});

const querySchema = z.strictObject({
  limit: z.int().min(1).max(MAX_KEYS_OF_PAGE),
  cursor: z
    .string()
    .regex(/^[1-9][0-9]{0,14}$/, "a cursor is that of the page before")
    .optional(),
  state: z.enum(KEY_STATES).optional(),
  owner: z.string().optional(),
});

const { limits, rate, quota, concurrency, expiresAt } = keyFieldsSchema.shape;

const grantorSchema = z.strictObject({
  label: z.string().min(1).max(200),
  key: z.string().optional(),
  scopes: z.array(z.enum(SCOPES)),
  models: z.array(z.string()).optional(),
  bounds: z.strictObject({ limits, rate, quota, concurrency, expiresAt }).optional(),
});

const overlapSchema = z.int().min(0).max(MAX_OVERLAP_SECONDS);

/**
 * Times are in UTC then.
 * @throws ApiError `invalid_request`
 */
export function parseKeyFields(given: unknown): KeyFields {
  const { expiresAt: expiry, ...fields } = parse("the key", keyFieldsSchema, given);
  return {
    ...fields,
    ...(expiry !== undefined && { expiresAt: new Date(expiry).toISOString() }),
  };
}

/** @throws ApiError `invalid_request` */
export function parseKeyPatch(given: unknown): KeyPatch {
  return parse("the patch", keyPatchSchema, given);
}

/** @throws ApiError `invalid_request` */
export function parseKeyIdentity(given: unknown): KeyIdentity {
  return parse("the identity", identitySchema, given);
}

/** @throws ApiError `invalid_request` */
export function parseKeyQuery(given: unknown): KeyQuery {
  return parse("the query", querySchema, given);
}

/** @throws ApiError `invalid_request` */
export function parseGrantor(given: unknown): Grantor {
  return parse("the grantor", grantorSchema, given);
}

/** @throws ApiError `invalid_request` */
export function parseOverlapSeconds(given: unknown): number {
  return parse("overlapSeconds", overlapSchema, given);
}

function parse<S extends z.ZodType>(what: string, schema: S, given: unknown): z.output<S> {
  const result = schema.safeParse(given, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new ApiError(
    "invalid_request",
    `${field === "" ? what : `${what}: "${field}"`} is not valid: ${issue ? issueMessage(issue) : "unknown"}`,
    { details: { field } },
  );
}
