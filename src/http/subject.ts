import type { Context } from "hono";
import { parseSubjectId, SUBJECT_HEADER, type Subjects } from "../domain/subject.ts";
import { addVary } from "./cache-headers.ts";
import type { AppEnv } from "./context.ts";

/** The subject that a request names. */
export interface NamedSubject {
  /** `undefined` where the deployment has no key to hash it with: then nothing of the request is kept. */
  readonly hash: string | undefined;
}

/**
 * Reads the subject of the request, for `callOf` and the event.
 * @param subjects `undefined` without the secret PRIVACY_KEY
 * @returns `undefined` for a request without one
 * @throws ApiError `invalid_request`
 */
export function readSubject(
  c: Context<AppEnv>,
  subjects: Subjects | undefined,
): Promise<void> | undefined {
  const given = c.req.header(SUBJECT_HEADER);
  return given === undefined ? undefined : setSubject(c, parseSubjectId(given), subjects);
}

async function setSubject(
  c: Context<AppEnv>,
  id: string,
  subjects: Subjects | undefined,
): Promise<void> {
  addVary(c.get("headers"), SUBJECT_HEADER);
  const hash = await subjects?.hash(id);
  c.set("subject", { hash });
  const trace = c.get("trace");
  trace.subject = hash;
  trace.isKept = hash !== undefined;
}
