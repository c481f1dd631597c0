import { ApiError } from "./errors.ts";

/** The header by which a client says whose request it sends. */
export const SUBJECT_HEADER = "x-subject-id";

/** Printable ASCII without spaces and commas, of which two headers of one name would be joined. */
export const SUBJECT_ID = /^[\x21-\x2b\x2d-\x7e]{1,256}$/;

/** What is kept of a subject: the keyed hash of its id, in hexadecimal. */
export const SUBJECT_HASH = /^[0-9a-f]{32}$/;

/** Makes the keyed hashes of subjects. */
export interface Subjects {
  /** @param id of the subject, which is not kept */
  hash(id: string): Promise<string>;
}

function isSubjectId(value: unknown): value is string {
  return typeof value === "string" && SUBJECT_ID.test(value);
}

/**
 * @param name of the header or field that has the id
 * @throws ApiError `invalid_request`, which does not repeat the id
 */
export function parseSubjectId(value: unknown, name: string = SUBJECT_HEADER): string {
  if (isSubjectId(value)) return value;
  const found = typeof value === "string" ? `${value.length} characters` : typeof value;
  throw new ApiError(
    "invalid_request",
    `${name} must be the id of one subject: 1 to 256 printable ASCII characters without spaces and commas; got ${found}. Encode others, by percent signs or base64.`,
    { details: { field: name } },
  );
}
