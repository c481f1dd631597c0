import { EVENT_SCHEMA_VERSION, type RequestEvent } from "../../src/domain/event.ts";

/** The event of a request that ran a model, with these fields. */
export function requestEvent(fields: Partial<RequestEvent> = {}): RequestEvent {
  return {
    event: "request",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: "2026-11-30T12:00:00.000Z",
    requestId: crypto.randomUUID(),
    method: "POST",
    route: "/v2/models/:model/infer",
    operation: "infer",
    operationKind: "inference",
    status: 200,
    bytesIn: 100,
    bytesOut: 200,
    totalMs: 1,
    phasesMs: { infer: 0.5 },
    clock: "advancing",
    ...fields,
  };
}
