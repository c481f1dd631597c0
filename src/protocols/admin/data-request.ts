import * as z from "zod";
import { workerId } from "../../domain/access/worker-id.ts";
import type { DataSelector } from "../../domain/data-selector.ts";
import { ApiError } from "../../domain/errors.ts";
import { requestHash } from "../../domain/request-hash.ts";
import { parseSubjectId, SUBJECT_ID, type Subjects } from "../../domain/subject.ts";
import { parseWith } from "../parse.ts";

const MAX_CURSOR = 65_536;
/** The id of an API key, or the label that events have for a principal. */
const KEY = /^(?:(?:of_live_|key:|token:|access:)?[A-Za-z0-9_-]{1,64}|worker:[\s\S]{1,1024})$/;
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const WORKER = "worker:";
const KEY_PREFIX = /^(?:of_live_|key:)/;

const SELECTORS = ["key", "subject", "requestId"] as const;

/** Whose data is exported or erased: by exactly one of the selectors. */
export const dataRequestSchema = z.strictObject({
  key: z
    .string()
    .regex(KEY)
    .optional()
    .describe("The id of an API key, or another principal as events name it, such as `token:...`."),
  subject: z
    .string()
    .regex(SUBJECT_ID)
    .optional()
    .describe("The id of a person, as it was sent in `x-subject-id`."),
  requestId: z.string().regex(REQUEST_ID).optional(),
  cursor: z
    .string()
    .min(1)
    .max(MAX_CURSOR)
    .optional()
    .describe("Of the response before, to go on with the same selector."),
});

export interface DataRequest {
  readonly selector: DataSelector;
  readonly cursor: string | undefined;
}

/**
 * @param subjects makes the hash of a subject
 * @throws ApiError `invalid_request`, which does not repeat the id of a subject
 */
export async function parseDataRequest(body: unknown, subjects: Subjects): Promise<DataRequest> {
  if (hasSubject(body)) parseSubjectId(body.subject, "subject");
  const { key, subject, requestId, cursor } = parseWith(dataRequestSchema, body);
  const given = SELECTORS.filter((name) => ({ key, subject, requestId })[name] !== undefined);
  if (given.length !== 1)
    throw new ApiError(
      "invalid_request",
      `Select whose data by one of ${SELECTORS.map((name) => `"${name}"`).join(", ")}; got ${given.length === 0 ? "none" : given.map((name) => `"${name}"`).join(" and ")}.`,
      { details: { valid: SELECTORS } },
    );
  if (key !== undefined)
    return { selector: { kind: "key", value: await toPrincipalId(key) }, cursor };
  if (subject !== undefined)
    return { selector: { kind: "subject", value: await subjects.hash(subject) }, cursor };
  return { selector: { kind: "request", value: await requestHash(requestId ?? "") }, cursor };
}

/** The id of a key is that of its principal, and the label of a token as well. */
async function toPrincipalId(key: string): Promise<string> {
  if (key.startsWith(WORKER)) return workerId(key.slice(WORKER.length));
  return key.replace(KEY_PREFIX, "");
}

function hasSubject(body: unknown): body is { readonly subject: unknown } {
  return typeof body === "object" && body !== null && "subject" in body && body.subject != null;
}
