import type { TelemetryEvent } from "../event.ts";
import { alertEventSchema } from "./alert.ts";
import { auditEventSchema } from "./audit.ts";
import { canaryEventSchema } from "./canary.ts";
import { captureEventSchema } from "./capture.ts";
import { erasureEventSchema } from "./erasure.ts";
import type { EventDefinition } from "./fields.ts";
import { garbageEventSchema } from "./garbage.ts";
import { guardEventSchema } from "./guard.ts";
import { invocationEventSchema } from "./invocation.ts";
import { noticeEventSchema } from "./notice.ts";
import { purgeEventSchema } from "./purge.ts";
import { requestEventSchema } from "./request.ts";
import { shadowEventSchema } from "./shadow.ts";

/** The kinds of events. Types, `docs/event.schema.json` and the tables of docs/events.md are made of these definitions. */
export const EVENT_DEFINITIONS = {
  request: { schema: requestEventSchema, summary: "A request has ended." },
  purge: { schema: purgeEventSchema, summary: "Cache entries were purged." },
  notice: {
    schema: noticeEventSchema,
    summary: "An isolate says something about itself, such as that a feature is switched off.",
  },
  shadow: {
    schema: shadowEventSchema,
    summary: "A copy of a request to the shadow of its route has ended.",
  },
  gc: { schema: garbageEventSchema, summary: "Objects that nothing needs were removed." },
  audit: {
    schema: auditEventSchema,
    summary: "An administrator has changed something, or has tried to.",
  },
  guard: {
    schema: guardEventSchema,
    summary: "The service begins or ends to treat clients differently.",
  },
  capture: {
    schema: captureEventSchema,
    summary: "A request was chosen to be stored.",
  },
  erasure: {
    schema: erasureEventSchema,
    summary: "What is kept of a key, a subject or a request was erased.",
  },
  invocation: {
    schema: invocationEventSchema,
    summary:
      "An invocation of the Worker has ended, as the platform reports it to the Tail Worker.",
  },
  canary: {
    schema: canaryEventSchema,
    summary: "A version is worse than the one that it may replace.",
  },
  alert: { schema: alertEventSchema, summary: "An alert fires, or is resolved." },
} as const satisfies Record<TelemetryEvent["event"], EventDefinition>;
