import { type ApiError, ERROR_KINDS, type ErrorCode, toApiError } from "../domain/errors.ts";
import { type ScrubSecrets, scrubTexts } from "../shared/scrub-secrets.ts";
import type { OnnxflareErrorFields } from "./api.ts";

/**
 * The error that a call throws, for the Worker that called. Of an error, only the message crosses for certain, with the name before
 * it: so the name is the code. The other fields cross where both Workers have the compatibility flag `enhanced_error_serialization`,
 * the default since 2026-04-21. The cause is for the event alone.
 * @param scrub removes secrets, which callers put where names and inputs belong
 */
export function toRpcError(thrown: unknown, scrub: ScrubSecrets): Error {
  const fields = toErrorFields(toApiError(thrown), scrub);
  const rpcError = new Error(fields.message);
  rpcError.name = fields.code;
  return Object.assign(rpcError, fields);
}

function toErrorFields(
  { code, message, details, kind }: ApiError,
  scrub: ScrubSecrets,
): OnnxflareErrorFields {
  const { status, retryable } = kind;
  return {
    code,
    message: scrub(message),
    status,
    retryable,
    ...(details && { details: scrubTexts(details, scrub) as typeof details }),
  };
}

/** A message with the name before it, as it crosses without the flag. */
const NAMED = /^(?:Error: )?([a-z_]+): (.*)$/s;

/**
 * What a call of the service failed with.
 * @returns `undefined` for another error, such as one of the connection
 */
export function readRpcError(thrown: unknown): OnnxflareErrorFields | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code, details } = thrown as Partial<OnnxflareErrorFields>;
  const [, named, rest] = NAMED.exec(thrown.message) ?? [];
  const known = [
    { code, message: thrown.message },
    { code: named, message: rest ?? "" },
  ].find((each) => isErrorCode(each.code));
  if (!known || !isErrorCode(known.code)) return undefined;
  const { status, retryable } = ERROR_KINDS[known.code];
  return {
    code: known.code,
    message: known.message,
    status,
    retryable,
    ...(details && { details }),
  };
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERROR_KINDS, code);
}
