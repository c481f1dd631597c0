import { describe, expect, test } from "vitest";
import {
  EVENT_SCHEMA_VERSION,
  OPERATION_KINDS,
  type PurgeEvent,
  type RequestEvent,
  type ShadowEvent,
  type TelemetryEvent,
} from "../../src/domain/event.ts";
import type { EventSink } from "../../src/domain/ports.ts";

const SHARED = {
  schemaVersion: EVENT_SCHEMA_VERSION,
  time: "2026-11-22T00:00:00.000Z",
  requestId: "request-1",
} as const;

/** The least that a request can be: no operation has its path. */
export const UNMATCHED: RequestEvent = {
  ...SHARED,
  event: "request",
  method: "GET",
  route: "unmatched",
  status: 404,
  errorCode: "route_not_found",
  bytesIn: 0,
  bytesOut: 100,
  totalMs: 0.25,
  phasesMs: {},
  clock: "advancing",
};

/** A prediction with every field of a request that succeeds. */
export const PREDICTION: RequestEvent = {
  ...SHARED,
  event: "request",
  method: "POST",
  route: "/v2/models/:model/infer",
  operation: "infer",
  operationKind: "inference",
  status: 200,
  model: "iris",
  version: "1",
  digest: "a".repeat(64),
  coldStart: true,
  cache: {
    outcome: "miss",
    reason: "absent",
    key: "0123456789ab",
    stored: true,
    collapsed: false,
    bytes: 320,
    failures: [{ tier: "kv", problem: "timeout" }],
  },
  bytesIn: 100,
  bytesOut: 200,
  totalMs: 12.5,
  phasesMs: { body: 1, resolve: 1, cache: 1, load: 4, parse: 1, infer: 4, serialize: 0.5 },
  clock: "advancing",
};

export const HIT: RequestEvent = {
  ...PREDICTION,
  coldStart: undefined,
  cache: {
    outcome: "hit",
    tier: "isolate",
    stored: false,
    collapsed: false,
    bytes: 320,
    ageSeconds: 3,
    savedMs: 4,
  },
  phasesMs: { body: 1, cache: 0.5 },
};

export const FAILURE: RequestEvent = {
  ...PREDICTION,
  status: 500,
  errorCode: "internal",
  errorMessage: "The service failed.",
  errorCause: "Error: out of luck\n    at run (index.js:1:1)",
  cache: undefined,
};

export const PURGE: PurgeEvent = {
  ...SHARED,
  event: "purge",
  model: "iris",
  version: "1",
  client: "0123456789abcdef",
  dropped: { isolate: 2, kv: 3 },
  complete: false,
};

export const COMPARED: ShadowEvent = {
  ...SHARED,
  event: "shadow",
  model: "iris",
  alias: "production",
  version: "1",
  shadowVersion: "2",
  task: "tabular-classification",
  outcome: "same",
  measure: "score_difference",
  distance: 0.25,
  detail: { items: 2, differing: 0 },
  coldStart: false,
  primaryMs: 2,
  shadowMs: 3,
  clock: "advancing",
};

/** Every form that an event can have. */
export const EVENTS: readonly (readonly [form: string, event: TelemetryEvent])[] = [
  ["a request that no operation matches", UNMATCHED],
  ["a prediction", PREDICTION],
  ["a cache hit", HIT],
  ["a failure", FAILURE],
  ["a prediction that bypasses the cache", bypassed()],
  ...OPERATION_KINDS.map(
    (operationKind) =>
      [`an operation of ${operationKind}`, { ...PREDICTION, operationKind }] as const,
  ),
  ["a copy to a shadow", COMPARED],
  ["a copy that was skipped", skippedCopy()],
  ["a purge", PURGE],
  ["a purge of everything", purgeOfEverything()],
];

/**
 * What every {@link EventSink} does with an event.
 * @param create a sink, and what it has recorded so far, in a form that can be compared
 */
export function testEventSink(create: () => { sink: EventSink; recorded(): unknown }): void {
  describe.each(EVENTS)("%s", (_, event) => {
    test("is accepted at once, and nothing is returned", () => {
      const { sink } = create();
      expect(sink.emit(event)).toBeUndefined();
    });

    test("is left as it was", () => {
      const { sink } = create();
      const before = structuredClone(event);
      sink.emit(deepFreeze(structuredClone(event)));
      sink.emit(event);
      expect(event).toEqual(before);
    });

    test("is recorded in the same way each time", () => {
      const [one, other] = [create(), create()];
      one.sink.emit(event);
      other.sink.emit(structuredClone(event));
      expect(other.recorded()).toEqual(one.recorded());
    });
  });

  test("what is recorded of one event does not depend on the object that brought it", () => {
    const { sink, recorded } = create();
    const event = structuredClone(PREDICTION) as {
      -readonly [K in keyof RequestEvent]: RequestEvent[K];
    };
    sink.emit(event);
    const before = structuredClone(recorded());
    event.status = 599;
    event.model = "another";
    expect(recorded()).toEqual(before);
  });

  test("each event counts, also an equal one", () => {
    const { sink, recorded } = create();
    sink.emit(HIT);
    const once = structuredClone(recorded());
    sink.emit(HIT);
    expect(recorded()).not.toEqual(once);
  });
}

function bypassed(): RequestEvent {
  const cache = { outcome: "bypass", reason: "disabled", stored: false, collapsed: false } as const;
  return { ...PREDICTION, cache };
}

function skippedCopy(): ShadowEvent {
  const { measure: _, distance: __, detail: ___, shadowMs: ____, ...rest } = COMPARED;
  return { ...rest, outcome: "skipped", reason: "overloaded" };
}

function purgeOfEverything(): PurgeEvent {
  const { model: _, version: __, client: ___, ...rest } = PURGE;
  return rest;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const each of Object.values(value)) deepFreeze(each);
    Object.freeze(value);
  }
  return value;
}
