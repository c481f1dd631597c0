import { expect, test } from "vitest";
import { Trace } from "../../../src/domain/trace.ts";
import { createPlatformAttributesSink } from "../../../src/telemetry/platform-attributes-sink.ts";
import { createPlatformTracing } from "../../../src/telemetry/platform-tracing.ts";
import { requestEvent } from "../../support/events.ts";

const CONTEXT = { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 1 };

/** The platform's tracing as far as it is used. */
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

test("the span of a request gets attributes, and is not asked for where none is traced", () => {
  for (const isTraced of [true, false]) {
    const { log, tracing } = fakeTracing(isTraced);
    let asked = 0;
    const platform = createPlatformTracing({
      ...tracing,
      getActiveSpan() {
        asked += 1;
        return tracing.getActiveSpan();
      },
    });
    const sink = createPlatformAttributesSink(platform);
    platform.current();
    sink.emit(requestEvent({ model: "iris" }));
    expect(asked).toBe(isTraced ? 2 : 1);
    expect(log.join()).toEqual(
      isTraced ? expect.stringContaining('"onnxflare.model.name":"iris"') : "",
    );
  }
});
