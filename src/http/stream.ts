import type { Context } from "hono";
import { ApiError, toApiError } from "../domain/errors.ts";
import { connectionOf } from "./client-connection.ts";
import type { AppEnv, BodyEnd } from "./context.ts";
import { responseHeaders } from "./respond.ts";

const ENCODER = new TextEncoder();

/** How a protocol writes a stream as server-sent events. */
export interface StreamFormat {
  /** One event for each part. */
  part(part: unknown): string;
  /** The last event of a stream that failed. */
  error(error: ApiError): string;
  /** The last event of a stream that is complete; none when left out. */
  readonly end?: string;
}

/**
 * Streams the parts as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), each sent
 * when it is computed. The next part is asked for when the client can take it; when the client closes the
 * connection, the iterator is ended and the call's signal is aborted.
 */
export function respondStream(
  c: Context<AppEnv>,
  parts: AsyncIterable<unknown>,
  format: StreamFormat,
): Response {
  const trace = c.get("trace");
  const headers = responseHeaders(c, "text/event-stream");
  headers["cache-control"] = "no-store, no-transform";
  // Proxies, nginx among them, collect a response otherwise.
  headers["x-accel-buffering"] = "no";
  const { promise: bodyEnd, resolve: end } = Promise.withResolvers<BodyEnd>();
  c.set("bodyEnd", bodyEnd);
  const iterator = parts[Symbol.asyncIterator]();

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const send = (text: string): void => {
          const bytes = ENCODER.encode(text);
          trace.bytesOut += bytes.byteLength;
          controller.enqueue(bytes);
        };
        try {
          const { done, value } = await iterator.next();
          if (!done) return send(format.part(value));
          if (format.end !== undefined) send(format.end);
          end({});
        } catch (error) {
          send(format.error(toApiError(error)));
          end({ error });
        }
        controller.close();
      },
      async cancel(reason) {
        connectionOf(c).close(reason);
        end({
          error: new ApiError("client_closed_request", "The client closed the connection.", {
            cause: reason,
          }),
        });
        // Ends the generator at its next `yield`; a failure there concerns nobody.
        await iterator.return?.().catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers });
}

/** A server-sent event of JSON data, which has no line breaks. */
export function toServerSentEvent(data: unknown, event?: string): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}
