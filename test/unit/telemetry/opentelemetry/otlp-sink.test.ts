import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  EVENT_SCHEMA_VERSION,
  type RequestEvent,
  type TelemetryEvent,
} from "../../../../src/domain/event.ts";
import { createOtlpSink } from "../../../../src/telemetry/opentelemetry/otlp-sink.ts";
import { PREDICTION, testEventSink, UNMATCHED } from "../../../contracts/event-sink.ts";
import { readOtlp } from "../../../support/otlp.ts";

const TRACED: RequestEvent = {
  ...PREDICTION,
  time: "2026-11-30T21:39:15.365Z",
  requestId: "request-1",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  protocol: "oip",
  totalMs: 12.345,
};

const NOTICE: TelemetryEvent = {
  event: "notice",
  schemaVersion: EVENT_SCHEMA_VERSION,
  time: "2026-11-30T21:39:15.365Z",
  message: "Something is off.",
};

interface Sent {
  readonly url: string;
  readonly init: RequestInit;
  readonly signal: "traces" | "logs";
  readonly body: string;
}

/** A sink whose endpoint answers as is told. */
function createExport(answers: readonly (() => Response)[] = []) {
  const sent: Sent[] = [];
  const lost: Record<string, number> = {};
  const works: Promise<void>[] = [];
  const sink = createOtlpSink({
    settings: {
      endpoint: "https://otlp.example.com/base",
      headers: { authorization: "Bearer abc" },
      serviceName: "predictions",
    },
    version: "1.2.3",
    onLost(reason, records) {
      lost[reason] = (lost[reason] ?? 0) + records;
    },
    waitUntil: (work) => void works.push(work),
    async fetch(input, init = {}) {
      const url = String(input);
      const signal = url.endsWith("traces") ? "traces" : "logs";
      sent.push({ url, init, signal, body: String(init.body) });
      return (answers[sent.length - 1] ?? (() => new Response("{}")))();
    },
  });
  return {
    sink,
    sent,
    lost,
    batches: () => sent.map(({ signal, body }) => readOtlp(signal, body)),
    /** Runs all timers until what was begun has ended. */
    async settle() {
      await vi.runAllTimersAsync();
      await Promise.all(works);
    },
  };
}

beforeEach(() => void vi.useFakeTimers({ now: Date.parse("2026-11-30T21:40:00Z") }));
afterEach(() => void vi.useRealTimers());

describe("the sink of exported events", () => {
  testEventSink(() => {
    const records: string[] = [];
    const sink = createOtlpSink({
      settings: { endpoint: "https://otlp.example.com", headers: {}, serviceName: "predictions" },
      version: "1",
      onLost: () => undefined,
      createExporter: () => ({ add: (signal, record) => void records.push(signal, record) }),
    });
    const { traceId, spanId } = TRACED;
    const emit = (event: TelemetryEvent) =>
      sink.emit(event.event === "request" ? { ...event, traceId, spanId } : event);
    return { sink: { emit }, recorded: () => records };
  });
});

test("requests are spans and other events log records, in one request each to the endpoint", async () => {
  const { sink, sent, batches, settle, lost } = createExport();
  sink.emit(TRACED);
  sink.emit({ ...TRACED, spanId: "00f067aa0ba902b8" });
  sink.emit(NOTICE);
  await settle();
  expect(sent.map(({ url }) => url)).toEqual([
    "https://otlp.example.com/base/v1/traces",
    "https://otlp.example.com/base/v1/logs",
  ]);
  expect(sent[0]?.init).toMatchObject({
    method: "POST",
    redirect: "manual",
    headers: {
      authorization: "Bearer abc",
      "content-type": "application/json",
      "user-agent": "onnxflare/1.2.3",
    },
  });
  const [traces, logs] = batches();
  expect(traces?.resource).toEqual({
    "service.name": "predictions",
    "service.version": "1.2.3",
    "cloud.provider": "cloudflare",
    "cloud.platform": "cloudflare.workers",
  });
  expect(traces?.scope).toEqual({ name: "onnxflare", version: "1.2.3" });
  expect(traces?.records.map(({ spanId }) => spanId)).toEqual([
    "00f067aa0ba902b7",
    "00f067aa0ba902b8",
  ]);
  expect(traces?.records[0]).toEqual({
    traceId: TRACED.traceId,
    spanId: TRACED.spanId,
    flags: 1,
    name: "POST /v2/models/:model/infer",
    kind: 2,
    startTimeUnixNano: "1796074755365000000",
    endTimeUnixNano: "1796074755377345000",
    attributes: {
      "http.request.method": "POST",
      "http.route": "/v2/models/:model/infer",
      "http.response.status_code": 200,
      "http.request.body.size": 100,
      "http.response.body.size": 200,
      "faas.coldstart": true,
      "onnxflare.request.id": "request-1",
      "onnxflare.protocol": "oip",
      "onnxflare.operation": "infer",
      "onnxflare.operation.kind": "inference",
      "onnxflare.model.name": "iris",
      "onnxflare.model.version": "1",
      "onnxflare.model.digest": "a".repeat(64),
      "onnxflare.cache.outcome": "miss",
      "onnxflare.cache.reason": "absent",
      "onnxflare.clock": "advancing",
      "onnxflare.phase.body.ms": 1,
      "onnxflare.phase.resolve.ms": 1,
      "onnxflare.phase.cache.ms": 1,
      "onnxflare.phase.load.ms": 4,
      "onnxflare.phase.parse.ms": 1,
      "onnxflare.phase.infer.ms": 4,
      "onnxflare.phase.serialize.ms": 0.5,
    },
  });
  expect(logs?.records).toEqual([
    {
      timeUnixNano: "1796074755365000000",
      observedTimeUnixNano: "1796074800000000000",
      severityNumber: 9,
      severityText: "INFO",
      eventName: "onnxflare.notice",
      body: { stringValue: "Something is off." },
      attributes: {
        "onnxflare.notice.schemaVersion": 3,
        "onnxflare.notice.message": "Something is off.",
      },
    },
  ]);
  expect(lost).toEqual({});
});

test("durations are doubles, whatever their value", async () => {
  const { sink, sent, settle } = createExport();
  sink.emit(TRACED);
  await settle();
  expect(sent[0]?.body).toContain('{"key":"onnxflare.phase.infer.ms","value":{"doubleValue":4}}');
  expect(sent[0]?.body).toContain('{"key":"http.request.body.size","value":{"intValue":"100"}}');
});

test("a span has its parent, its flags and its state, and the error of a fault", async () => {
  const { sink, batches, settle } = createExport();
  const failed = {
    errorCode: "storage_failed",
    errorMessage: "R2 failed.",
    errorCause: "Error: x\n at y",
  };
  const caller = { parentSpanId: "b7ad6b7169203331", traceFlags: 3, traceState: "congo=1" };
  sink.emit({ ...TRACED, ...failed, ...caller, status: 503 });
  sink.emit({ ...TRACED, status: 404, errorCode: "model_not_found" });
  await settle();
  const [span, refused] = batches()[0]?.records ?? [];
  expect(span).toMatchObject({
    parentSpanId: "b7ad6b7169203331",
    traceState: "congo=1",
    flags: 3 | 0x100 | 0x200,
    status: { code: 2, message: "storage_failed" },
    attributes: { "error.type": "storage_failed" },
    events: [
      {
        name: "exception",
        attributes: {
          "exception.type": "storage_failed",
          "exception.message": "R2 failed.",
          "exception.stacktrace": "Error: x\n at y",
        },
      },
    ],
  });
  // The client's fault is none of the server's span.
  expect(refused?.attributes).toMatchObject({ "error.type": "model_not_found" });
  expect(refused).not.toHaveProperty("status");
});

test("a request whose client does not record its trace has no span, unless the service failed", async () => {
  const { sink, batches, settle } = createExport();
  const unsampled = { parentSpanId: "b7ad6b7169203331", traceFlags: 0 };
  sink.emit({ ...TRACED, ...unsampled });
  sink.emit({ ...TRACED, ...unsampled, status: 500, requestId: "failed" });
  sink.emit({ ...TRACED, traceId: undefined });
  await settle();
  expect(batches().flatMap(({ records }) => records)).toMatchObject([
    { attributes: { "onnxflare.request.id": "failed" } },
  ]);
});

test("a generation has the attributes of generative AI", async () => {
  const { sink, batches, settle } = createExport();
  sink.emit({
    ...TRACED,
    operation: "createChatCompletion",
    generation: {
      "gen_ai.usage.input_tokens": 12,
      "gen_ai.usage.cache_read.input_tokens": 8,
      "gen_ai.usage.output_tokens": 5,
      "gen_ai.server.time_to_first_token": 0.125,
      tokensPerSecond: 250,
      "gen_ai.response.finish_reasons": ["length"],
      aborted: false,
    },
  });
  await settle();
  expect(batches()[0]?.records[0]?.attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "onnxflare",
    "gen_ai.request.model": "iris",
    "gen_ai.response.model": "iris@1",
    "gen_ai.output.type": "text",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.cache_read.input_tokens": 8,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.response.time_to_first_chunk": 0.125,
    "gen_ai.response.finish_reasons": ["length"],
    "onnxflare.tokens_per_second": 250,
  });
});

test("nothing that is exported names a client or a person", async () => {
  const { sink, sent, settle } = createExport();
  sink.emit({ ...TRACED, principal: "key:SECRETNAME", subject: "SECRETNAME" });
  const head = { schemaVersion: EVENT_SCHEMA_VERSION, time: TRACED.time } as const;
  sink.emit({
    ...head,
    event: "guard",
    kind: "guesses_slowed",
    principal: "SECRETNAME",
    network: "SECRETNAME",
  });
  sink.emit({
    ...head,
    event: "audit",
    operation: "createKey",
    by: "SECRETNAME",
    actor: "SECRETNAME",
    target: { key: "SECRETNAME" },
    after: { owner: "SECRETNAME" },
    outcome: "done",
    change: "1",
  });
  await settle();
  expect(sent).toHaveLength(2);
  for (const { body } of sent) expect(body).not.toContain("SECRETNAME");
});

describe("an endpoint", () => {
  const status =
    (code: number, headers: Record<string, string> = {}) =>
    () =>
      new Response("no", { status: code, headers });

  test.each([429, 502, 503, 504])(
    "that answers %i gets the same records again, later",
    async (code) => {
      const { sink, sent, lost, settle } = createExport([status(code, { "retry-after": "3" })]);
      sink.emit(TRACED);
      await settle();
      expect(sent).toHaveLength(2);
      expect(sent[1]?.body).toBe(sent[0]?.body);
      expect(lost).toEqual({});
      // The first after two seconds, the second three later.
      expect(Date.now() - Date.parse("2026-11-30T21:40:00Z")).toBeGreaterThanOrEqual(5000);
    },
  );

  test("that is out of reach five times loses the records, which are counted", async () => {
    const down = () => {
      throw new TypeError("connection refused");
    };
    const { sink, sent, lost, settle } = createExport([down, down, down, down, down]);
    sink.emit(TRACED);
    sink.emit({ ...TRACED, requestId: "request-2" });
    for (let request = 0; request < 3; request++) {
      await settle();
      // A further request goes on where the platform has ended the waiting.
      sink.emit({ ...NOTICE, message: `request ${request}` });
    }
    await settle();
    expect(sent.filter(({ signal }) => signal === "traces")).toHaveLength(5);
    expect(lost).toEqual({ otlp_failed: 2 });
    expect(sent.filter(({ signal }) => signal === "logs").length).toBeGreaterThan(0);
  });

  test.each([301, 400, 401, 404, 500])("that answers %i loses them at once", async (code) => {
    const { sink, sent, lost, settle } = createExport([status(code)]);
    sink.emit(TRACED);
    await settle();
    expect(sent).toHaveLength(1);
    expect(lost).toEqual({ otlp_rejected: 1 });
  });

  test("that accepts some of them has the others counted", async () => {
    const reply = JSON.stringify({
      partialSuccess: { rejectedSpans: "2", errorMessage: "too old" },
    });
    const headers = { "content-type": "application/json" };
    const { sink, lost, settle } = createExport([() => new Response(reply, { headers })]);
    for (let span = 0; span < 3; span++) sink.emit(TRACED);
    await settle();
    expect(lost).toEqual({ otlp_rejected: 2 });
  });

  test.each([
    ["4096 records", {}, 4096],
    // Of 4 MiB.
    [
      "records of 40 KB together",
      { errorCause: "x".repeat(4096), errorMessage: "y".repeat(36_000) },
      902,
    ],
  ])(
    "gets at most 512 records and 1 MiB at once, and what waits beyond %s is lost",
    async (_, fields, most) => {
      const { sink, sent, batches, lost, settle } = createExport();
      const [{ spanId, traceId, time }] = [TRACED];
      for (let span = 0; span < 5000; span++)
        sink.emit({ ...UNMATCHED, spanId, traceId, time, status: 500, ...fields });
      await settle();
      const counts = batches().map(({ records }) => records.length);
      const accepted = counts.reduce((sum, count) => sum + count, 0);
      expect(Math.max(...counts)).toBeLessThanOrEqual(512);
      expect(Math.max(...sent.map(({ body }) => body.length))).toBeLessThan(1_048_576 + 1000);
      expect(accepted).toBeGreaterThan(0);
      expect(accepted).toBeLessThanOrEqual(most);
      expect(lost).toEqual({ otlp_full: 5000 - accepted });
    },
  );
});

test("a run that the platform has ended is begun anew by a later request", async () => {
  const waits: number[] = [];
  const requests: string[] = [];
  const sink = createOtlpSink({
    settings: { endpoint: "https://otlp.example.com", headers: {}, serviceName: "predictions" },
    version: "1",
    onLost: () => undefined,
    waitUntil: () => undefined,
    // The timer of a request that was ended never fires.
    sleep: (ms) => (waits.push(ms) === 1 ? new Promise(() => undefined) : Promise.resolve()),
    async fetch(input) {
      requests.push(String(input));
      return new Response("{}");
    },
  });
  sink.emit(TRACED);
  await vi.advanceTimersByTimeAsync(59_000);
  sink.emit(TRACED);
  expect(requests).toEqual([]);
  await vi.advanceTimersByTimeAsync(2000);
  sink.emit(TRACED);
  await vi.advanceTimersByTimeAsync(1);
  expect(requests).toEqual(["https://otlp.example.com/v1/traces"]);
});
