import { expect, test } from "vitest";
import { Trace } from "../../../src/domain/trace.ts";
import { createPlatformTracing } from "../../../src/telemetry/platform-tracing.ts";

const CONTEXT = { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 1 };

/** The platform's tracing as far as it is used; test/workerd/opentelemetry.test.ts has the real one. */
function fakeTracing(isTraced: boolean) {
  const log: string[] = [];
  const span = (name: string) =>
    ({
      isTraced,
      spanContext: () => CONTEXT,
      setAttributes: (attributes: object) => log.push(`attributes ${JSON.stringify(attributes)}`),
      end: () => log.push(`end ${name}`),
    }) as unknown as Span;
  const tracing = {
    getActiveSpan: () => span("request"),
    startSpan(name: string) {
      log.push(`start ${name}`);
      return span(name);
    },
  };
  return { log, tracing };
}

test("phases of a request that the platform traces are spans, also those that fail", async () => {
  const { log, tracing } = fakeTracing(true);
  const platform = createPlatformTracing(tracing).current();
  expect(platform?.traceId).toBe(CONTEXT.traceId);
  const trace = new Trace(undefined, platform?.startSpan);
  const end = trace.start("body");
  end();
  end();
  expect(trace.measure("infer", () => 7)).toBe(7);
  await expect(trace.measureAsync("load", () => Promise.reject(new Error("no")))).rejects.toThrow(
    "no",
  );
  platform?.setAttributes({ a: 1 });
  expect(log).toEqual([
    "start onnxflare.body",
    "end onnxflare.body",
    "start onnxflare.infer",
    "end onnxflare.infer",
    "start onnxflare.load",
    "end onnxflare.load",
    'attributes {"a":1}',
  ]);
});

test("a request has at most 128 spans, and every phase is measured", () => {
  const { log, tracing } = fakeTracing(true);
  let now = 0;
  const trace = new Trace(() => now++, createPlatformTracing(tracing).current()?.startSpan);
  for (let token = 0; token < 1000; token++) trace.measure("infer", () => undefined);
  expect(log).toHaveLength(2 * 128);
  expect(trace.phasesMs.infer).toBe(1000);
});

test("where the platform traces nothing there are no spans", () => {
  const { tracing } = fakeTracing(false);
  expect(createPlatformTracing(tracing).current()).toBeUndefined();
  // A runtime without tracing.
  expect(createPlatformTracing().current()).toBeUndefined();
});
