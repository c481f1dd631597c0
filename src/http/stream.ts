import type { Context } from "hono";
import { ApiError } from "../domain/errors.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { connectionOf } from "./client-connection.ts";
import type { AppEnv, BodyEnd } from "./context.ts";
import { responseHeaders } from "./respond.ts";
import { scrubError } from "./scrub-reply.ts";

const ENCODER = new TextEncoder();

/** How a protocol serializes a stream as server-sent events. */
export interface StreamFormat {
  /** One event for each part. */
  part(part: unknown): string;
  /** The last event of a stream that failed. */
  error(error: ApiError): string;
  /** The last event of a stream that is complete; none when left out. */
  readonly end?: string;
}

export interface StreamOptions {
  /**
   * Interval without a part after which a comment is sent. Proxies close idle connections, and a client that closes its
   * connection normally is detected only by a failed write.
   */
  readonly keepAliveMs?: number;
}

const KEEP_ALIVE_MS = 15_000;
const COMMENT = ": keep-alive\n\n";

/**
 * Streams the parts as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), each sent
 * when it is computed. The next part is computed when the client can receive it; when the client closes the connection, the
 * call's signal is aborted and the iterator is closed.
 */
export function respondStream(
  c: Context<AppEnv>,
  parts: AsyncIterable<unknown>,
  format: StreamFormat,
  { keepAliveMs = KEEP_ALIVE_MS }: StreamOptions = {},
): Response {
  const trace = c.get("trace");
  const headers = responseHeaders(c, "text/event-stream");
  headers["cache-control"] = "no-store, no-transform";
  // Proxies, nginx among them, buffer a response otherwise.
  headers["x-accel-buffering"] = "no";
  const { promise: bodyEnd, resolve: end } = Promise.withResolvers<BodyEnd>();
  c.set("bodyEnd", bodyEnd);
  const iterator = parts[Symbol.asyncIterator]();
  /** Requested from the iterator, and not computed yet. */
  let pending: Promise<IteratorResult<unknown>> | undefined;

  const connection = connectionOf(c);
  const { signal } = connection;
  const onClosed = (): void => {
    const closed = new ApiError("client_closed_request", "The client closed the connection.", {
      cause: signal.reason,
    });
    // Ends a generator at its next `yield`. The body ends only after that: workerd ends the request with the last
    // promise that it waits for, and then no `finally` block of the generator would run.
    const returned = iterator.return?.() ?? Promise.resolve();
    void returned.catch(() => undefined).then(() => end({ error: closed }));
  };
  if (signal.aborted) onClosed();
  else signal.addEventListener("abort", onClosed, { once: true });

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const send = (text: string): void => {
          const bytes = ENCODER.encode(text);
          trace.bytesOut += bytes.byteLength;
          controller.enqueue(bytes);
        };
        try {
          pending ??= iterator.next();
          if (!(await settlesWithin(pending, keepAliveMs))) return send(COMMENT);
          const { done, value } = await pending;
          pending = undefined;
          if (!done) return send(format.part(value));
          if (format.end !== undefined) send(format.end);
          end({});
        } catch (error) {
          if (signal.aborted) return;
          send(format.error(scrubError(c, error)));
          end({ error });
        }
        controller.close();
      },
      cancel: (reason) => connection.close(reason),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers });
}

/** A server-sent event with JSON data, which has no line breaks. */
export function toServerSentEvent(data: unknown, event?: string): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}
