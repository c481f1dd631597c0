import type { Context } from "hono";
import { ApiError, toApiError } from "../domain/errors.ts";
import { decodeBase64 } from "../shared/base64.ts";
import {
  createScrubber,
  hasBeginning,
  type ScrubSecrets,
  scrubTexts,
} from "../shared/scrub-secrets.ts";
import type { AppEnv } from "./context.ts";

/** Headers in which clients send keys, also those that are not read. */
const CREDENTIAL_HEADERS = ["authorization", "x-api-key", "api-key"];
/** Shorter ones are words, such as the keys that clients send where none is needed. */
const MIN_CREDENTIAL_LENGTH = 12;
/** Removes what has the form of a secret. */
const scrubForms = createScrubber([], { findsCut: true });

/** The error without secrets in its texts, which quote the request: clients put keys where names and inputs belong, and log errors. */
export function scrubError(c: Context<AppEnv>, thrown: unknown): ApiError {
  const error = toApiError(thrown);
  const scrub = scrubberOf(c);
  const { code, message, cause, details } = error;
  return new ApiError(code, scrub(message), {
    cause,
    ...(details && { details: scrubTexts(details, scrub) as typeof details }),
  });
}

/** Whether a text that a client sends, and that is logged and sent back, has a secret in it. */
export function hasSecret(c: Context<AppEnv>, text: string): boolean {
  const credentials = credentialsOf(c);
  if (credentials.some((each) => each.includes(text))) return true;
  const scrubKnown = c.get("scrubReply") ?? scrubForms;
  return scrubKnown(text) !== text || hasBeginning(text, credentials);
}

/** Whether a secret of the service, one of the request, or what has the form of one is in the text as a whole. */
export function containsSecret(c: Context<AppEnv>, text: string): boolean {
  const scrubOwn = createScrubber(credentialsOf(c), { findsCut: false });
  return (c.get("scrubReply")?.(text) ?? text) !== text || scrubOwn(text) !== text;
}

/** Secrets of the service, and those of the request. */
function scrubberOf(c: Context<AppEnv>): ScrubSecrets {
  const scrubKnown = c.get("scrubReply");
  const scrubOwn = createScrubber(credentialsOf(c), { findsCut: true });
  return (text) => scrubOwn(scrubKnown?.(text) ?? text);
}

function credentialsOf(c: Context<AppEnv>): readonly string[] {
  return CREDENTIAL_HEADERS.flatMap((name) => {
    const value = c.req.header(name);
    if (value === undefined) return [];
    const credential = value.replace(/^\S+ +/, "");
    return [value, credential, ...passwordsIn(value, credential)];
  }).filter(({ length }) => length >= MIN_CREDENTIAL_LENGTH);
}

/** RFC 7617: `user:password` in base64. */
function passwordsIn(value: string, credential: string): string[] {
  if (!/^basic /i.test(value)) return [];
  const bytes = decodeBase64(credential);
  if (!bytes) return [];
  const text = new TextDecoder().decode(bytes);
  return [text, text.slice(text.indexOf(":") + 1)];
}
