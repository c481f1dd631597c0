import { expect, test } from "vitest";
import type { Admission } from "../../../../../src/domain/admission.ts";
import { Deadline } from "../../../../../src/domain/deadline.ts";
import type { CacheableRun } from "../../../../../src/domain/model-host.ts";
import type { ModelRuntime } from "../../../../../src/domain/ports.ts";
import {
  NO_TRACING,
  type SpanAttributes,
  type Tracing,
} from "../../../../../src/domain/tracing.ts";
import { ServedCall } from "../../../../../src/hosts/isolate/model-isolate/served-call.ts";
import type { CachedReply, SessionStub } from "../../../../../src/hosts/isolate/wire/protocol.ts";
import { createManifest } from "../../../../support/cache-harness.ts";

/** A call that has made one run by way of the Worker's cache. */
async function serve(
  reply: CachedReply,
  coldStart?: boolean,
  tracing: Tracing = NO_TRACING,
): Promise<number | undefined> {
  const samples: (number | undefined)[] = [];
  const admission: Admission = {
    begin: () => new Deadline(),
    check: () => undefined,
    admit: () => ({
      acquire: () => undefined,
      yield: async () => undefined,
      release: (sampleMs) => samples.push(sampleMs),
    }),
  };
  const session = {
    runCached: async (_key: string, _outputs: readonly string[], run: () => Promise<unknown>) => {
      if ("own" in reply) await run();
      return reply;
    },
    [Symbol.dispose]: () => undefined,
  } as unknown as SessionStub;
  const served = new ServedCall({
    head: {
      version: { name: "m", version: "1", revision: "1", digest: "d", digests: ["d"] },
      timeoutMs: undefined,
      bodyBytes: 0,
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    },
    session,
    waitUntil: () => undefined,
    admission,
    runtime: {
      state: () => ({ state: "ready" }),
      stats: () => ({ usedBytes: 0 }),
    } as unknown as ModelRuntime,
    tracing,
    isFirst: false,
    onEnd: () => undefined,
  });
  await served.admit();
  const run: CacheableRun = {
    model: { name: "m", version: "1", versions: ["1"], revision: "1", manifest: createManifest() },
    outputs: [],
    key: async () => "key",
    run: async ({ trace }) => {
      trace.coldStart = coldStart;
      return trace.measure("infer", () => []);
    },
  };
  await served.runCached(undefined)(run, served.call);
  served.end(true);
  expect(samples).toHaveLength(1);
  return samples[0];
}

test("a run of a loaded model is a sample of the isolate's service times", async () => {
  expect(await serve({ own: true }, false)).toBeTypeOf("number");
});

test("a run that waited for the model to be loaded is no sample", async () => {
  expect(await serve({ own: true }, true)).toBeUndefined();
});

test("a call that takes its outputs from the cache is a sample: others like it would each take a whole time slice", async () => {
  expect(await serve({ outputs: [], isHit: true })).toBeTypeOf("number");
});

test("a call that waited for another call's run is no sample", async () => {
  expect(await serve({ outputs: [], isHit: false })).toBeUndefined();
});

test("where the platform traces the isolate, its span has the trace of the request, and phases are spans", async () => {
  const spans: string[] = [];
  let attributes: SpanAttributes = {};
  const tracing: Tracing = {
    hasTraced: true,
    current: () => ({
      traceId: "a".repeat(32),
      setAttributes(given) {
        attributes = given;
      },
      startSpan(phase) {
        spans.push(phase);
        return { end: () => undefined };
      },
    }),
  };
  await serve({ own: true }, false, tracing);
  expect(attributes).toEqual({
    "onnxflare.trace.id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "onnxflare.model.name": "m",
    "onnxflare.model.version": "1",
  });
  expect(spans).toEqual(["infer"]);
});
