import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { projectPath } from "../../scripts/project.ts";
import { workerBundle } from "../../scripts/worker-bundle.ts";
import { EVENT_SCHEMA_VERSION, type InvocationEvent } from "../../src/domain/event.ts";
import type { Aggregate } from "../../src/domain/monitoring/aggregate.ts";
import { createMonitoring } from "../../src/monitoring/reader.ts";
import { createRemoteMetrics, type MetricsStub } from "../../src/monitoring/remote-metrics.ts";
import { UNMATCHED } from "../contracts/event-sink.ts";
import { hostingCollector, sharingCollector } from "../support/collectors.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../support/otlp-receiver.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

/**
 * The Worker with its Tail Worker, an endpoint of OpenTelemetry, and a Worker that logs and ends as its requests say. Locally, the
 * platform says 0 of all times.
 */

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";
const CALLER_TRACE = `00-${TRACE}-${CALLER}-01`;

/** Logs the lines of its body, and ends as its path says. */
const NOISY = `
export default {
  async fetch(request) {
    if (request.method === "POST") for (const line of await request.json()) console.log(line);
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("throw")) throw new TypeError("broken with of_live_0123456789abcdefghijkl");
    return new Response("done");
  },
};`;
/** Writes the spans of the Workers whose streaming Tail Worker it is. */
const SPANS = `
export default {
  tailStream: () => ({ spanContext, event }) => {
    if (["spanOpen", "attributes"].includes(event.type)) console.log(JSON.stringify({ spanContext, ...event }));
  },
};`;

/** What {@link SPANS} writes. */
const SPAN_LINE = '{"spanContext"';
interface StreamedEvent {
  readonly spanContext: { readonly traceId: string; readonly spanId: string };
  readonly type: string;
  readonly name?: string;
  readonly info?: readonly { readonly name: string; readonly value: unknown }[];
}

let workers: Workers;
let receiver: OtlpReceiver;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  const bundle = await build({
    ...workerBundle().options,
    entryPoints: [projectPath("src", "tail.ts")],
    write: false,
  });
  const script = bundle.outputFiles[0]?.text ?? "";
  const flush = { MONITORING_FLUSH_MS: "100" };
  workers = await startWorkers([
    {
      name: "onnxflare",
      code: { outdir: inject("workerBuild") },
      bindings: { ADMIN_KEY: "a-key-for-tests", CACHE_TIERS: "isolate", ...flush },
      r2Buckets: { MODELS: "models" },
      tails: ["tail"],
      streamingTails: ["spans"],
      ...hostingCollector(),
    },
    {
      name: "tail",
      code: { script },
      bindings: {
        ...flush,
        OTLP_ENDPOINT: receiver.endpoint,
        OTLP_HEADERS: "authorization=Bearer%20for-the-receiver",
      },
      ...sharingCollector("onnxflare"),
    },
    {
      name: "exporter",
      code: { outdir: inject("workerBuild") },
      bindings: { ...flush, OTLP_ENDPOINT: receiver.endpoint, OTLP_SERVICE_NAME: "exporter" },
      r2Buckets: { MODELS: "no-models" },
    },
    { name: "noisy", code: { script: NOISY }, tails: ["tail"] },
    {
      name: "spans",
      code: { script: SPANS },
      compatibilityFlags: ["streaming_tail_worker", "experimental"],
    },
  ]);
  const model = findModel("iris-logistic");
  await publishAs(await workers.bucket("MODELS"), model, model.manifest);
});

afterAll(async () => {
  await workers?.dispose();
  await receiver?.close();
});

function predict(headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${workers.origin}/models/iris-logistic`, {
    method: "POST",
    body: JSON.stringify({ inputs: [5.1, 3.5, 1.4, 0.2] }),
    headers,
  });
}

async function noise(
  path: string,
  lines?: readonly string[],
  headers: Record<string, string> = {},
): Promise<void> {
  const origin = await workers.originOf("noisy");
  const init = lines ? { method: "POST", body: JSON.stringify(lines) } : {};
  await fetch(`${origin}${path}`, { ...init, headers });
}

function spanOf(requestId: string) {
  return poll(`span of ${requestId}`, async () =>
    receiver.spans.find(({ attributes }) => attributes["onnxflare.request.id"] === requestId),
  );
}

/** What was collected of a model; of none, of the service. */
async function collected(model: string): Promise<Aggregate | undefined> {
  const namespace = await workers.miniflare.getDurableObjectNamespace("METRICS", "onnxflare");
  const reader = createMonitoring((shard) =>
    createRemoteMetrics(() => namespace.get(namespace.idFromName(shard)) as unknown as MetricsStub),
  );
  const { value } = await reader.totals();
  return value.find((each) => each.model === model)?.aggregate;
}

/** The events of lost invocations that the Tail Worker has written. */
function lost(): InvocationEvent[] {
  return workers.logs.flatMap(({ message }) =>
    message.startsWith('{"event":"invocation"') ? [JSON.parse(message)] : [],
  );
}

describe("a request", () => {
  test("is exported as a span of its client's trace, with what the platform says of it", async () => {
    const headers = { "x-request-id": "traced", traceparent: CALLER_TRACE, tracestate: "congo=1" };
    const response = await predict(headers);
    expect(response.status).toBe(200);
    const span = await spanOf("traced");
    expect(span).toMatchObject({
      traceId: TRACE,
      parentSpanId: CALLER,
      traceState: "congo=1",
      name: "POST /models/:model",
      kind: 2,
      attributes: {
        "onnxflare.model.name": "iris-logistic",
        "onnxflare.model.version": "1",
        "http.response.status_code": 200,
        "onnxflare.phase.infer.ms": expect.any(Number),
        "onnxflare.invocation.outcome": "ok",
        "onnxflare.invocation.cpu_ms": 0,
        "onnxflare.invocation.wall_ms": 0,
      },
    });
    expect(response.headers.get("traceresponse")).toBe(`00-${TRACE}-${span.spanId}-01`);
    expect(receiver.headers[0]).toMatchObject({
      authorization: "Bearer for-the-receiver",
      "content-type": "application/json",
    });
    expect(receiver.problems).toEqual([]);
  });

  test("that is answered from the cache names its own span, and none to a client without a trace", async () => {
    await predict();
    const first = await predict({ "x-request-id": "hit", traceparent: CALLER_TRACE });
    const second = await predict();
    expect(first.headers.get("cache-status")).toContain("hit");
    expect(second.headers.get("cache-status")).toContain("hit");
    const { spanId } = await spanOf("hit");
    expect(first.headers.get("traceresponse")).toBe(`00-${TRACE}-${spanId}-01`);
    expect(second.headers.has("traceresponse")).toBe(false);
  });

  test("has a span of the platform for each phase, and its attributes on the platform's span of the request", async () => {
    await predict({ "x-request-id": "spans", "cache-control": "no-store" });
    const written = (type: string): StreamedEvent[] =>
      workers.logs
        .flatMap(({ message }) => (message.startsWith(SPAN_LINE) ? [JSON.parse(message)] : []))
        .filter((event: StreamedEvent) => event.type === type);
    const { traceId, spanId } = await poll("attributes of the request", async () => {
      const set = written("attributes").find(({ info: [first] = [] }) => first?.value === "spans");
      return set?.spanContext;
    });
    const attributes = written("attributes")
      .filter(({ spanContext }) => spanContext.spanId === spanId)
      .flatMap(({ info = [] }) => info.map(({ name, value }) => [name, value]));
    expect(Object.fromEntries(attributes)).toMatchObject({
      "onnxflare.request.id": "spans",
      "onnxflare.model.name": "iris-logistic",
      "http.response.status_code": 200,
    });
    const names = written("spanOpen")
      .filter(({ spanContext }) => spanContext.traceId === traceId)
      .map(({ name }) => name);
    const phases = ["onnxflare.body", "onnxflare.infer", "onnxflare.serialize"];
    expect(names).toEqual(expect.arrayContaining(phases));
    // Its event is of the platform's trace.
    expect((await spanOf("spans")).traceId).toBe(traceId);
  });

  test("is counted once, and its invocation once", async () => {
    const count = async () => {
      const aggregate = await collected("iris-logistic");
      return [aggregate?.requests, aggregate?.invocations.ok, aggregate?.durations.cpu?.count];
    };
    const sent = receiver.spans.length;
    // Side by side, with runs of the engine: each has its own spans.
    const headers = { "cache-control": "no-store" };
    const responses = await Promise.all(Array.from({ length: 20 }, () => predict(headers)));
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // All that this file has sent to the model.
    await poll("invocations", async () => (await count())[1] === 25 || undefined);
    expect(await count()).toEqual([25, 25, 25]);
    await poll("spans", async () => receiver.spans.length >= sent + 20 || undefined);
    expect(receiver.spans.length).toBe(25);
  });
});

test("a Worker without a Tail Worker exports its own spans and log records", async () => {
  const origin = await workers.originOf("exporter");
  await fetch(`${origin}/models/no-such-model`, {
    method: "POST",
    body: "{}",
    headers: { "x-request-id": "exported" },
  });
  const span = await spanOf("exported");
  expect(span.attributes).toMatchObject({
    "error.type": "model_not_found",
    "http.response.status_code": 404,
    "onnxflare.clock": "advancing",
  });
  expect(span.attributes).not.toHaveProperty("onnxflare.invocation.outcome");
  const notice = await poll("notice", async () =>
    receiver.logs.find(({ eventName }) => eventName === "onnxflare.notice"),
  );
  expect(notice.severityText).toBe("INFO");
  expect(receiver.services).toContain("exporter");
});

describe("what is logged", () => {
  test("is skipped and counted where it is no event, and loses no other event", async () => {
    const event = { ...UNMATCHED, traceId: TRACE, spanId: CALLER };
    await noise("/", [
      "a line of somebody's own",
      '{"level":"info","message":"a structured one"}',
      "[1]",
      "{not JSON",
      `{"event":"request","padding":"${"x".repeat(140_000)}"}`,
      `{"event":"nothing","schemaVersion":${EVENT_SCHEMA_VERSION}}`,
      JSON.stringify({ ...event, schemaVersion: 2 }),
      JSON.stringify({ ...event, status: "200" }),
      JSON.stringify({ ...event, phasesMs: { infer: "long" } }),
      '{"event":"request"}',
      // A newer Worker has more fields.
      JSON.stringify({ ...event, requestId: "good", newer: true }),
    ]);
    expect((await spanOf("good")).attributes).toMatchObject({ "error.type": "route_not_found" });
    const reasons = await poll("losses", async () => {
      const counts = (await collected(""))?.lost ?? {};
      return counts.tail_invalid === 2 ? counts : undefined;
    });
    expect(reasons).toMatchObject({
      tail_not_json: 1,
      tail_too_long: 1,
      tail_unknown_event: 1,
      tail_unknown_version: 2,
    });
  });
});

describe("an invocation that ended without an event", () => {
  test("is an event of its own, without what its client sent", async () => {
    const requestId = "0f8fad5b-d9cb-469f-a165-70867728950e";
    const headers = { "x-request-id": requestId, traceparent: CALLER_TRACE };
    await noise("/models/digits-cnn/throw?key=QUERY", [], headers);
    const [event] = await poll("event", async () => {
      const events = lost();
      return events.length > 0 ? events : undefined;
    });
    expect(event).toEqual({
      event: "invocation",
      schemaVersion: EVENT_SCHEMA_VERSION,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      outcome: "exception",
      cpuMs: 0,
      wallMs: 0,
      trigger: "fetch",
      isLost: true,
      requests: 0,
      requestId,
      traceId: TRACE,
      parentSpanId: CALLER,
      requestedModel: "digits-cnn",
      exceptions: [{ name: "TypeError", message: "broken with [secret]" }],
    });
    const record = await poll("log record", async () =>
      receiver.logs.find(({ eventName }) => eventName === "onnxflare.invocation"),
    );
    expect(record).toMatchObject({
      severityText: "ERROR",
      traceId: TRACE,
      attributes: { "onnxflare.invocation.outcome": "exception" },
    });
    await poll(
      "count",
      async () => (await collected(""))?.invocations.exception === 1 || undefined,
    );
    expect((await collected(""))?.requests ?? 0).toBe(0);
  });

  test("is none where it has an event, however it ended", async () => {
    const before = lost().length;
    const event = { ...UNMATCHED, traceId: TRACE, spanId: CALLER, requestId: "late" };
    await noise("/throw", [JSON.stringify(event)]);
    const { attributes } = await spanOf("late");
    expect(attributes["onnxflare.invocation.outcome"]).toBe("exception");
    expect(lost()).toHaveLength(before);
  });
});

test("wrangler.tail.toml names the Worker and the class of wrangler.toml", () => {
  const main = unstable_readConfig({ config: projectPath("wrangler.toml") });
  const tail = unstable_readConfig({ config: projectPath("wrangler.tail.toml") });
  const [binding, ...others] = tail.durable_objects.bindings;
  expect(others).toEqual([]);
  expect(binding).toMatchObject({ name: "METRICS", script_name: main.name });
  expect(main.durable_objects.bindings).toContainEqual(
    expect.objectContaining({ name: "METRICS", class_name: binding?.class_name }),
  );
  expect(tail.compatibility_date).toBe(main.compatibility_date);
});
