import type { Context } from "hono";
import type { BodyBudget, BodyReservation } from "../domain/body-budget.ts";
import type { Deadline } from "../domain/deadline.ts";
import { ApiError } from "../domain/errors.ts";
import { settleBefore } from "../domain/settle-before.ts";
import { type CollectOptions, collectStream } from "../shared/collect-stream.ts";
import { decompress, parseContentCoding } from "./content-coding.ts";
import type { AppEnv } from "./context.ts";

export interface BodyLimits {
  /** Of one body, decompressed. */
  readonly maxBytes: number;
  /** Whether that is the limit of the API key, and not that of all requests. */
  readonly isOfKey?: boolean;
  /** Of the bodies of all requests in flight. */
  readonly budget: BodyBudget;
}

/** A body of at most this length, which needs no growing buffer, is read in one piece. */
const SMALL_BYTES = 65_536;

/**
 * Reads the request's body, decompressed, by the deadline; an absent body is empty. Its memory is reserved before it is
 * allocated, and released by `observe` when the response has ended.
 * @throws ApiError `body_too_large`, `body_timeout`, `overloaded`, `invalid_request`, `unsupported_media_type`
 */
export async function readBody(
  c: Context<AppEnv>,
  limits: BodyLimits,
  deadline: Deadline,
): Promise<Uint8Array> {
  const { maxBytes, budget } = limits;
  const trace = c.get("trace");
  const coding = parseContentCoding(c.req.header("content-encoding"));
  const length = contentLength(c);
  if (length !== undefined && length > maxBytes) throw tooLarge(limits);
  const { body } = c.req.raw;
  if (!body) return new Uint8Array();
  const isSmall = length !== undefined && length <= SMALL_BYTES;
  const reservation = budget.reserve({
    bytes: isSmall ? length : 0,
    expectedBytes: length ?? 0,
    timeoutMs: deadline.remainingMs,
    purpose: c.req.param("model") ?? c.req.path,
  });
  c.set("reservation", reservation);
  // Keeps the request alive when its client disconnects, so that what it holds is released.
  c.executionCtx.waitUntil(reservation.released);
  const end = trace.start("body");
  try {
    const options = collectOptions(reservation, deadline, limits);
    let bytes: Uint8Array<ArrayBuffer> =
      isSmall && coding === "identity"
        ? new Uint8Array(await options.wait(c.req.raw.arrayBuffer()))
        : await collectStream(body, { ...options, expectedBytes: length });
    if (coding !== "identity" && bytes.byteLength > 0) {
      const compressedBytes = bytes.buffer.byteLength;
      bytes = await decompress(bytes, coding, {
        ...options,
        reserve: (size) => reservation.resize(compressedBytes + size),
      });
      reservation.resize(bytes.buffer.byteLength);
    }
    // In a request of another Worker, content-length may not match the body.
    if (bytes.byteLength > maxBytes) throw tooLarge(limits);
    reservation.complete();
    trace.bytesIn = bytes.byteLength;
    return bytes;
  } catch (error) {
    return refuseIncomplete(error);
  } finally {
    end();
  }
}

function contentLength(c: Context<AppEnv>): number | undefined {
  const length = c.req.header("content-length");
  return length === undefined ? undefined : Number(length);
}

function collectOptions(
  reservation: BodyReservation,
  deadline: Deadline,
  limits: BodyLimits,
): CollectOptions {
  return {
    maxBytes: limits.maxBytes,
    reserve: (bytes) => reservation.resize(bytes),
    async wait(read) {
      const result = await settleBefore(deadline, read, reservation.onEvicted);
      reservation.progress();
      return result;
    },
    tooLarge: () => tooLarge(limits),
  };
}

/** The client has disconnected, so only the event has this error, as one of the client. */
function refuseIncomplete(cause: unknown): never {
  if (cause instanceof ApiError) throw cause;
  throw new ApiError("invalid_request", "The connection was closed before the body was complete.", {
    cause,
  });
}

function tooLarge({ maxBytes, isOfKey = false }: BodyLimits): ApiError {
  const limit = isOfKey ? `the API key's limit "bodyBytes"` : "the limit";
  return new ApiError("body_too_large", `The body is larger than ${limit} of ${maxBytes} bytes.`, {
    details: { limitBytes: maxBytes, ...(isOfKey && { keyLimit: "bodyBytes" }) },
  });
}
