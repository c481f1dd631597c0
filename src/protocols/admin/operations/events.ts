import type { Context } from "hono";
import type { TelemetryEvent } from "../../../domain/event.ts";
import { mayUseModel } from "../../../http/authenticate.ts";
import type { AppEnv } from "../../../http/context.ts";
import { toProblem } from "../../../http/problem.ts";
import { respond } from "../../../http/respond.ts";
import { respondStream, type StreamFormat, toServerSentEvent } from "../../../http/stream.ts";
import { EVENT_STREAM_CONTENT } from "../../openapi/schema-reference.ts";
import type { Operation } from "../../operation.ts";
import { parseEventFilter } from "../event-filter.ts";

/** By then it is noticed that a reader has gone, and its place is free again. */
const KEEP_ALIVE_MS = 5000;

export const EVENT_OPERATIONS: readonly Operation[] = [
  {
    kind: "admin",
    id: "streamEvents",
    method: "get",
    path: "/events",
    access: "metrics",
    tag: "Administration",
    summary: "Read the events",
    description:
      "The last 256 events of the isolate that handles the request, and some of all others, as server-sent events whose data is what the console has; with `follow`, then each new one until the client closes the connection, and a comment every 5 s. Events of other isolates come by way of the Durable Object `METRICS`, a few seconds later; without that binding there are none of them. Parameters select the events that have all of these properties. A client that does not keep up misses events, and gets a notice that says how many.",
    parameters: [
      "model-filter",
      "operation-filter",
      "status-filter",
      "code-filter",
      "event-filter",
      "follow",
    ],
    responses: {
      200: { description: "The events, oldest first.", content: EVENT_STREAM_CONTENT },
    },
    errors: ["invalid_request", "overloaded"],
    handler:
      ({ eventLog, cache }) =>
      async (c) => {
        const filter = parseEventFilter(c.req.query());
        // The body of a response to HEAD would never be read, and so never end.
        if (c.req.method === "HEAD") return respond(c, "", { contentType: "text/event-stream" });
        // What was erased in another isolate is not shown in this one.
        await cache.learnPurges();
        const events = eventLog.read({
          ...filter,
          accepts: (event) => filter.accepts(event) && mayReadEvent(c, event),
        });
        return respondStream(c, events, streamFormat(c.get("requestId")), {
          keepAliveMs: KEEP_ALIVE_MS,
        });
      },
  },
];

/** A key of single models reads the events of these, and no others. */
function mayReadEvent(c: Context<AppEnv>, event: TelemetryEvent): boolean {
  if (c.get("principal")?.models === undefined) return true;
  const model = "model" in event ? event.model : undefined;
  return model !== undefined && mayUseModel(c, model);
}

function streamFormat(requestId: string): StreamFormat {
  return {
    part: (event) => toServerSentEvent(event),
    error: (error) => toServerSentEvent(toProblem(error, requestId), "error"),
  };
}
