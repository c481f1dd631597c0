import type { Context, MiddlewareHandler } from "hono";
import type { RequestLimits } from "../domain/access/key-policy.ts";
import type { Admission } from "../domain/admission.ts";
import { ApiError } from "../domain/errors.ts";
import { quote } from "../shared/quote.ts";
import type { AppEnv } from "./context.ts";
import { namedModel } from "./named-model.ts";
import { type BodyLimits, readBody } from "./read-body.ts";

/** The deadline of a request, in milliseconds from its arrival. */
const TIMEOUT_HEADER = "x-timeout-ms";

export interface ReceiveOptions {
  readonly admission: Admission;
  readonly limits: BodyLimits;
  /** Whether the request runs models, so that it is refused without its body when the isolate is overloaded. */
  readonly isInference: boolean;
}

/**
 * Begins the request's deadline and reads its body, which `bodyOf` returns. A request that is still sending its body holds
 * no permit: however slow it is, it keeps no other request from being admitted.
 */
export function receive({
  admission,
  limits,
  isInference,
}: ReceiveOptions): MiddlewareHandler<AppEnv> {
  return async function receive(c, next) {
    const ofKey = c.get("principal")?.policy?.limits;
    const deadline = admission.begin(shorter(readTimeout(c), ofKey?.timeoutMs));
    c.set("deadline", deadline);
    if (isInference) admission.check({ deadline, model: namedModel(c) });
    c.set("body", await readBody(c, withinKey(limits, ofKey), deadline));
    await next();
  };
}

/**
 * The request's body.
 * @throws ApiError `empty_body`
 */
export function bodyOf(c: Context<AppEnv>): Uint8Array {
  const body = c.get("body");
  if (body.byteLength > 0) return body;
  throw new ApiError("empty_body", "The body is empty: send a JSON object.");
}

function shorter(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function withinKey(limits: BodyLimits, { bodyBytes }: RequestLimits = {}): BodyLimits {
  if (bodyBytes === undefined || bodyBytes >= limits.maxBytes) return limits;
  return { ...limits, maxBytes: bodyBytes, isOfKey: true };
}

function readTimeout(c: Context<AppEnv>): number | undefined {
  const text = c.req.header(TIMEOUT_HEADER);
  if (text === undefined) return undefined;
  const milliseconds = Number(text);
  if (/^[0-9]{1,9}$/.test(text) && milliseconds > 0) return milliseconds;
  throw new ApiError(
    "invalid_request",
    `${TIMEOUT_HEADER} must be a positive integer of milliseconds; got ${quote(text)}.`,
  );
}
