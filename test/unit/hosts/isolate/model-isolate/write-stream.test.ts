import { expect, test } from "vitest";
import { NOTHING_GENERATED } from "../../../../../src/domain/generation-progress.ts";
import type { ModelRuntime } from "../../../../../src/domain/ports.ts";
import { Trace } from "../../../../../src/domain/trace.ts";
import { NO_TRACING } from "../../../../../src/domain/tracing.ts";
import { ServedCall } from "../../../../../src/hosts/isolate/model-isolate/served-call.ts";
import { writeStream } from "../../../../../src/hosts/isolate/model-isolate/write-stream.ts";
import type { SessionStub, StreamLine } from "../../../../../src/hosts/isolate/wire/protocol.ts";
import { applyProgress } from "../../../../../src/hosts/isolate/wire/reports.ts";
import { createAdmission } from "../../../../../src/inference/admission.ts";

/** Streamed results in the isolate of a model: how they end, and that the call lives until then. */

interface Served {
  readonly served: ServedCall;
  /** What keeps the call alive. */
  readonly kept: Promise<unknown>[];
  readonly ended: () => number;
  leave(): void;
  lose(): void;
}

function serve(onSample: (sampleMs: number | undefined) => void = () => undefined): Served {
  const kept: Promise<unknown>[] = [];
  let ended = 0;
  const { promise: closed, resolve: leave, reject } = Promise.withResolvers<void>();
  const session = { closed: () => closed, [Symbol.dispose]: () => undefined };
  const runtime: Pick<ModelRuntime, "state" | "stats"> = {
    state: () => ({ state: "ready" }),
    stats: () => ({ usedBytes: 1 }) as ReturnType<ModelRuntime["stats"]>,
  };
  const admission = createAdmission({ maxInFlight: 1, maxQueueMs: 1, maxTimeoutMs: 60_000 });
  const version = { name: "model", version: "1", revision: "r", digest: "d", digests: ["d"] };
  const served = new ServedCall({
    head: { version, timeoutMs: undefined, bodyBytes: 0 },
    session: session as SessionStub,
    waitUntil: (work) => void kept.push(work),
    admission: {
      ...admission,
      admit: (request) => ({ ...admission.admit(request), release: onSample }),
    },
    runtime: runtime as ModelRuntime,
    tracing: NO_TRACING,
    isFirst: true,
    onEnd: () => {
      ended += 1;
    },
  });
  return { served, kept, ended: () => ended, leave, lose: () => reject(new Error("disconnected")) };
}

function countTo(last: number): { parts: AsyncGenerator<number>; state: { closed: boolean } } {
  const state = { closed: false };
  async function* count() {
    try {
      for (let part = 1; part <= last; part++) yield part;
      if (last === 0) throw new Error("nothing to count");
    } finally {
      state.closed = true;
    }
  }
  return { parts: count(), state };
}

async function readLines(stream: ReadableStream<Uint8Array>): Promise<StreamLine[]> {
  const text = await new Response(stream).text();
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

test("a streamed result is a line for each part, and its report, and ends its call once", async () => {
  const { served, kept, ended, leave } = serve();
  const { parts } = countTo(3);
  const lines = await readLines(writeStream(parts, served));
  expect(lines).toMatchObject([{ part: 1 }, { part: 2 }, { part: 3 }, { end: { state: "ready" } }]);
  await Promise.all(kept);
  leave();
  expect(ended()).toBe(1);
});

test("a failure is the last line", async () => {
  const { served, kept, ended } = serve();
  const lines = await readLines(writeStream(countTo(0).parts, served));
  expect(lines).toMatchObject([{ end: {}, error: { code: "internal" } }]);
  await Promise.all(kept);
  expect(ended()).toBe(1);
});

test.each(["cancelled", "left by its client", "lost with the request of the Worker"])(
  "a stream that is %s ends the work, and keeps the call alive until then",
  async (how) => {
    const { served, kept, ended, leave, lose } = serve();
    const { parts, state } = countTo(1000);
    const reader = writeStream(parts, served).getReader();
    await reader.read();
    expect([state.closed, ended()]).toEqual([false, 0]);
    if (how === "cancelled") await reader.cancel();
    else if (how === "left by its client") leave();
    else lose();
    await Promise.all(kept);
    expect([state.closed, ended()]).toEqual([true, 1]);
  },
);

test("a text is no sample of the time of a request: others are served between its tokens", async () => {
  for (const [generation, sample] of [
    [undefined, expect.any(Number)],
    [NOTHING_GENERATED, undefined],
  ]) {
    const samples: unknown[] = [];
    const { served } = serve((sample) => samples.push(sample));
    await served.admit();
    Object.assign(served.call.trace, { coldStart: false, generation });
    served.end(true);
    expect(samples).toEqual([sample]);
  }
});

test("times of a generation are counted from when the request began", () => {
  let now = 0;
  const trace = new Trace(() => now);
  const progress = (lastTokenMs: number) => ({
    inputTokens: 2,
    cachedTokens: 1,
    outputTokens: 1,
    firstTokenMs: 10,
    lastTokenMs,
    finishReason: undefined,
  });
  // The isolate began 100 ms after the request.
  now = 112;
  applyProgress(trace, { progress: progress(10), elapsedMs: 12 });
  expect(trace.generation).toMatchObject({ firstTokenMs: 110, lastTokenMs: 110 });
  now = 135;
  applyProgress(trace, { progress: progress(30), elapsedMs: 35 });
  expect(trace.generation).toMatchObject({ firstTokenMs: 110, lastTokenMs: 130 });
});
