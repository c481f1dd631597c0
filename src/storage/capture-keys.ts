import type { CaptureAddress } from "../domain/capture.ts";
import { MODEL_NAME, MODEL_VERSION } from "../domain/model-id.ts";
import { REQUEST_HASH } from "../domain/request-hash.ts";
import { SUBJECT_HASH } from "../domain/subject.ts";
import { CAPTURES_PREFIX } from "./model-keys.ts";

/** Seconds since the epoch, so that keys are in the order in which their retentions end. */
const EXPIRY_DIGITS = 11;
const EXPIRY = /^\d{11}$/;
/** As `encodeURIComponent` returns it: the id of a token has a colon. */
const PRINCIPAL = /^[A-Za-z0-9_.!~*'()%-]{1,256}$/;
const SEQUENCE = /^[0-9a-f]{8}$/;
/** The segment of a capture without a subject. */
const NO_SUBJECT = "-";

/**
 * The key of a capture: what it says of the request is what captures are found, exported and erased by without being read.
 * @param sequence eight hexadecimal digits that tell captures of one request apart
 */
export function captureKey(capture: Omit<CaptureAddress, "key">, sequence: string): string {
  const { name, version, principal, subject = NO_SUBJECT, request, expiresAt } = capture;
  const expiry = String(Math.ceil(expiresAt / 1000)).padStart(EXPIRY_DIGITS, "0");
  const last = `${request}-${sequence}`;
  const segments = [expiry, name, version, encodeURIComponent(principal), subject, last];
  return `${CAPTURES_PREFIX}${segments.join("/")}`;
}

/** `undefined` for what is no key of a capture. */
export function fromCaptureKey(key: string): CaptureAddress | undefined {
  if (!key.startsWith(CAPTURES_PREFIX)) return undefined;
  const segments = key.slice(CAPTURES_PREFIX.length).split("/");
  const [expiry = "", name = "", version = "", principal = "", subject = "", last = ""] = segments;
  const [request = "", sequence = ""] = last.split("-");
  const isValid =
    segments.length === 6 &&
    EXPIRY.test(expiry) &&
    MODEL_NAME.test(name) &&
    MODEL_VERSION.test(version) &&
    PRINCIPAL.test(principal) &&
    (subject === NO_SUBJECT || SUBJECT_HASH.test(subject)) &&
    REQUEST_HASH.test(request) &&
    SEQUENCE.test(sequence);
  if (!isValid) return undefined;
  return {
    key,
    name,
    version,
    principal: decodeURIComponent(principal),
    subject: subject === NO_SUBJECT ? undefined : subject,
    request,
    expiresAt: Number(expiry) * 1000,
  };
}
