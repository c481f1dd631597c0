import type { AbortSignalLike, BufferedResponse, Fetch } from "./fetch-types.ts";
import { toHttpError } from "./http-error.ts";
import { OnnxflareError } from "./onnxflare-error.ts";
import { isRetryable, retryDelayMs, sleep } from "./retry.ts";

export interface Call {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | ArrayBuffer | undefined;
  /** Whether the remaining time is sent, so that the server does not work for a client that has timed out. */
  readonly sendsDeadline?: boolean | undefined;
  /** Statuses other than 2xx that are results and no errors, so that they are not retried. */
  readonly accepts?: ((status: number) => boolean) | undefined;
}

export interface CallSettings {
  /** Attempts after the first one. */
  readonly retries: number;
  /** For the whole call with its retries; `Infinity` for no limit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignalLike | undefined;
}

/** `x-timeout-ms` has nine digits at most, and timers wait for 2^31 - 1 ms at most. */
const LONGEST_TIMEOUT_MS = 999_999_999;

/**
 * Sends a call that is safe or idempotent, as all of this client's are, until it has a response.
 * @throws OnnxflareError of the last attempt; the reason of the caller's signal when that is aborted
 */
export async function send(
  fetch: Fetch,
  call: Call,
  settings: CallSettings,
): Promise<BufferedResponse> {
  const { retries, signal: caller } = settings;
  caller?.throwIfAborted();
  const timeoutMs = Math.min(settings.timeoutMs, LONGEST_TIMEOUT_MS);
  const deadline = performance.now() + timeoutMs;
  const leftMs = (): number => deadline - performance.now();
  const controller = new AbortController();
  const abort = (): void => controller.abort(caller?.reason);
  const timer = setTimeout(abort, timeoutMs);
  caller?.addEventListener("abort", abort, { once: true });
  try {
    for (let attempt = 0; ; attempt++) {
      const outcome = await trySend(fetch, call, leftMs(), controller.signal);
      if (!(outcome instanceof OnnxflareError)) return outcome;
      caller?.throwIfAborted();
      if (controller.signal.aborted)
        throw new OnnxflareError("timeout", `No response within ${timeoutMs} ms.`, {
          cause: outcome,
        });
      const { status, code, retryAfterSeconds } = outcome;
      if (status !== undefined && !isRetryable(status, code)) throw outcome;
      const delayMs = retryDelayMs(attempt, retryAfterSeconds);
      if (attempt >= retries || delayMs >= leftMs()) throw outcome;
      await sleep(delayMs, caller);
    }
  } finally {
    clearTimeout(timer);
    caller?.removeEventListener("abort", abort);
  }
}

/** Failures are returned, because the call may be retried. */
async function trySend(
  fetch: Fetch,
  { method, url, headers, body, sendsDeadline, accepts }: Call,
  leftMs: number,
  signal: AbortSignalLike,
): Promise<BufferedResponse | OnnxflareError> {
  const deadline = { "x-timeout-ms": String(Math.max(1, Math.round(leftMs))) };
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...(sendsDeadline ? deadline : {}) },
      ...(body === undefined ? {} : { body }),
      signal,
    });
    const buffered: BufferedResponse = {
      status: response.status,
      headers: response.headers,
      requestId: response.headers.get("x-request-id") ?? undefined,
      body: new Uint8Array(await response.arrayBuffer()),
    };
    const isOk = buffered.status >= 200 && buffered.status < 300;
    return isOk || accepts?.(buffered.status) ? buffered : toHttpError(buffered);
  } catch (cause) {
    return new OnnxflareError("network_error", `${method} ${url} failed: ${explain(cause)}.`, {
      cause,
    });
  }
}

/** Node's message is "fetch failed" whatever happened; the reason is in the error's cause. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? explain(error.cause) : error.message || error.name;
}
