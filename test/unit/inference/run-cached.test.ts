import { describe, expect, test } from "vitest";
import { throwIfAborted } from "../../../src/domain/call.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import {
  createHarness,
  createManifest,
  createMemoryTier,
  type Harness,
  type RequestOptions,
  type Result,
  toOutputs,
} from "../../support/cache-harness.ts";
import { rejectedApiError } from "../../support/errors.ts";

const EXPECTED = { first: "a hello", second: "HELLO" };

/** Runs that a test ends, with their inputs. */
interface HeldRun {
  readonly input: string;
  finish(): void;
  fail(error: unknown): void;
}

/** @param checkSignal whether a run fails when the client has closed the connection */
function hold(harness: Harness, { checkSignal = false } = {}): HeldRun[] {
  const runs: HeldRun[] = [];
  harness.infer = (request, call) => {
    const run = Promise.withResolvers<Tensor[]>();
    runs.push({
      input: String(request.inputs[0]?.data[0]),
      finish: () => run.resolve(toOutputs(request)),
      fail: run.reject,
    });
    return run.promise.finally(() => checkSignal && throwIfAborted(call.signal));
  };
  return runs;
}

/** One iteration of the event loop. */
function nextIteration(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Far more than any condition needs. */
const MAX_ITERATIONS = 10_000;

/** @throws Error when the condition never holds */
async function until(condition: () => boolean): Promise<void> {
  for (let iterations = 0; iterations < MAX_ITERATIONS; iterations++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`never true: ${condition}`);
}

describe("cache bypass", () => {
  test.each<[string, { enabled?: boolean }, RequestOptions, string]>([
    ["where it is disabled", { enabled: false }, {}, "disabled"],
    [
      "for a model whose manifest disables it",
      {},
      { manifest: createManifest({ cache: { enabled: false, ttlSeconds: 60 } }) },
      "disabled",
    ],
    ["by no-store", {}, { control: "no-store" }, "no-store"],
  ])("the cache is bypassed %s", async (_, settings, options, reason) => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv], ...settings });
    for (let run = 1; run <= 2; run++) {
      const { texts, report } = await harness.request(options);
      expect(texts).toEqual(EXPECTED);
      expect(report).toMatchObject({ outcome: "bypass", reason, stored: false, key: undefined });
      expect(harness.runs).toHaveLength(run);
    }
    await harness.settle();
    expect([kv.calls, harness.store.usage().entries]).toEqual([[], 0]);
  });
});

describe("cache-control directives", () => {
  test("no-cache runs the model and stores the new entry", async () => {
    const harness = createHarness();
    await harness.request();
    harness.clock.ms += 1000;
    const fresh = await harness.request({ control: "no-cache" });
    expect(fresh.report).toMatchObject({ outcome: "miss", reason: "no-cache", stored: true });
    expect(harness.runs).toHaveLength(2);
    expect((await harness.request()).report).toMatchObject({ outcome: "hit", ageSeconds: 0 });
  });

  test("no-cache reads no tier", async () => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv] });
    await harness.request({ control: "no-cache" });
    await harness.settle();
    expect(kv.calls).toEqual(["put"]);
  });

  test("max-age uses entries up to that age", async () => {
    const harness = createHarness();
    await harness.request();
    harness.clock.ms += 10_000;
    expect((await harness.request({ control: "max-age=10" })).report.outcome).toBe("hit");
    harness.clock.ms += 1;
    const older = await harness.request({ control: "max-age=10" });
    expect(older.report).toMatchObject({ outcome: "miss", reason: "too-old" });
    expect((await harness.request()).report).toMatchObject({ outcome: "hit", ageSeconds: 0 });
  });

  test("max-age does not extend the model's ttl", async () => {
    const harness = createHarness();
    await harness.request();
    harness.clock.ms += 3_600_001;
    const { report } = await harness.request({ control: "max-age=99999999" });
    expect(report).toMatchObject({ outcome: "miss", reason: "expired" });
  });

  test("max-age does not remove an older entry, which the next request uses", async () => {
    const harness = createHarness();
    await harness.request();
    harness.clock.ms += 10_000;
    const options: RequestOptions = { control: "max-age=1, only-if-cached" };
    await rejectedApiError("not_cached", harness.request(options));
    expect((await harness.request()).report).toMatchObject({ outcome: "hit", ageSeconds: 10 });
  });

  test("only-if-cached uses an entry without a run", async () => {
    const harness = createHarness({ tiers: [createMemoryTier("kv")] });
    const options: RequestOptions = { control: "only-if-cached" };
    const error = await rejectedApiError("not_cached", harness.request(options));
    expect(error).toMatchObject({ kind: { status: 504 }, details: { reason: "absent" } });
    expect(harness.runs).toEqual([]);
    await harness.request();
    expect((await harness.request(options)).report.outcome).toBe("hit");
  });

  test("only-if-cached without an entry is refused", async () => {
    const harness = createHarness({ enabled: false });
    await rejectedApiError("not_cached", harness.request({ control: "only-if-cached" }));
    expect(harness.runs).toEqual([]);
  });
});

describe("the use of entries", () => {
  test("an entry is used for requests for its outputs in any order", async () => {
    const harness = createHarness();
    await harness.request({ outputs: ["first", "second"] });
    const { texts, report } = await harness.request({ outputs: ["second", "first"] });
    expect(Object.entries(texts)).toEqual([
      ["second", "HELLO"],
      ["first", "a hello"],
    ]);
    expect(report.outcome).toBe("hit");
  });

  test("an entry is used for requests that name all outputs and for those that name none", async () => {
    const harness = createHarness();
    await harness.request();
    const { report } = await harness.request({ outputs: ["second", "first"] });
    expect(report.outcome).toBe("hit");
  });

  test("an entry is not used for a request for other outputs", async () => {
    const harness = createHarness();
    await harness.request({ outputs: ["first"] });
    const { texts, report } = await harness.request({ outputs: ["second"] });
    expect(texts).toEqual({ second: "HELLO" });
    expect(report.outcome).toBe("miss");
  });

  test("an entry is not used for another model file, and used again for its own", async () => {
    const harness = createHarness();
    const files = [{ path: "model.onnx", sha256: "b".repeat(64), sizeBytes: 1 }];
    const second = createManifest({ version: "2", files });
    await harness.request();
    expect((await harness.request({ manifest: second })).texts.first).toBe("b hello");
    const back = await harness.request();
    expect(back).toMatchObject({ texts: EXPECTED, report: { outcome: "hit" } });
    expect(harness.runs).toHaveLength(2);
  });

  test.each([
    ["every client", "public", "hit"],
    ["its own client", "key", "miss"],
  ])("an entry is used for %s if the scope is %j", async (_, scope, outcome) => {
    const manifest = createManifest({ cache: { enabled: true, ttlSeconds: 60, scope } });
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv] });
    const first = await harness.request({ manifest, client: "0123456789abcdef" });
    expect((await harness.request({ manifest, client: "fedcba9876543210" })).report.outcome).toBe(
      outcome,
    );
    expect((await harness.request({ manifest })).report.outcome).toBe(outcome);
    await harness.settle();
    const again = await createHarness({ tiers: [kv], clock: harness.clock }).request({
      manifest,
      client: "0123456789abcdef",
    });
    expect(again.report).toMatchObject({ outcome: "hit", tier: "kv", key: first.report.key });
  });
});

describe("concurrent identical requests", () => {
  test.each(["absent", "loading", "ready"] as const)(
    "concurrent identical requests run once while the model is %s",
    async (state) => {
      const harness = createHarness();
      harness.model = state;
      const runs = hold(harness);
      const results = Array.from({ length: 10 }, () => harness.request());
      await until(() => runs.length > 0 && harness.lookups === 10);
      runs[0]?.finish();
      const settled = await Promise.all(results);
      expect(runs).toHaveLength(1);
      expect(settled.map(({ texts }) => texts)).toEqual(Array(10).fill(EXPECTED));
      const reports = settled.map(({ report }) => report);
      expect(reports.filter(({ stored }) => stored)).toHaveLength(1);
      expect(reports.filter(({ collapsed }) => collapsed)).toHaveLength(9);
      expect(reports.map(({ outcome }) => outcome)).toEqual(Array(10).fill("miss"));
    },
  );

  test("concurrent identical requests run once if the run completes at once", async () => {
    const harness = createHarness({ remoteTiers: "auto" });
    await Promise.all(Array.from({ length: 10 }, () => harness.request()));
    expect(harness.runs).toEqual(["hello"]);
  });

  test("concurrent identical requests read the remote tiers once", async () => {
    const held = Promise.withResolvers<undefined>();
    const tier = createMemoryTier("kv");
    let reads = 0;
    const kv = {
      ...tier,
      get: () => {
        reads++;
        return held.promise;
      },
    };
    const harness = createHarness({ tiers: [kv], readTimeoutMs: 60_000 });
    const results = Array.from({ length: 10 }, () => harness.request());
    await until(() => reads > 0 && harness.lookups === 10);
    held.resolve(undefined);
    const settled = await Promise.all(results);
    expect([reads, harness.runs]).toEqual([1, ["hello"]]);
    expect(settled.map(({ texts }) => texts)).toEqual(Array(10).fill(EXPECTED));
  });

  test("concurrent identical requests share the entry of a remote tier, a hit for all of them", async () => {
    const tier = createMemoryTier("kv");
    const filler = createHarness({ tiers: [tier] });
    await filler.request();
    await filler.settle();
    const harness = createHarness({ tiers: [tier], clock: filler.clock, localBytes: 0 });
    const settled = await Promise.all(Array.from({ length: 5 }, () => harness.request()));
    for (const { texts, report } of settled) {
      expect(texts).toEqual(EXPECTED);
      expect(report).toMatchObject({ outcome: "hit", tier: "kv", collapsed: false });
    }
    expect(harness.runs).toEqual([]);
  });

  test("after a failed run, waiting requests run the model themselves, and the failure is not stored", async () => {
    const harness = createHarness();
    harness.model = "absent";
    const runs = hold(harness);
    const results: Promise<Result>[] = [];
    // Hashing ends in any order, and the requests must be distinguishable.
    for (let sent = 1; sent <= 3; sent++) {
      results.push(harness.request());
      await until(() => harness.lookups === sent);
    }
    await until(() => runs.length === 1 && harness.lookups === 3);
    const failure = new ApiError("out_of_memory", "The first one had no memory.");
    runs[0]?.fail(failure);
    await expect(results[0]).rejects.toBe(failure);
    await until(() => runs.length === 3);
    runs[1]?.finish();
    runs[2]?.fail(new ApiError("engine_crashed", "The third one crashed."));
    expect((await results[1])?.texts).toEqual(EXPECTED);
    await expect(results[2]).rejects.toThrow("The third one crashed.");
    // The failure of the first request left nothing behind.
    expect((await harness.request()).report).toMatchObject({ outcome: "hit" });
    expect(harness.store.usage().entries).toBe(1);
  });

  test("a request runs the model itself when the platform has ended the request it waits for", async () => {
    const harness = createHarness({ maxWaitMs: 30 });
    harness.model = "absent";
    const runs = hold(harness);
    const lost = harness.request();
    await until(() => runs.length === 1);
    const second = harness.request();
    await until(() => runs.length === 2);
    // The next one does not wait for the lost run again.
    const third = harness.request();
    await until(() => runs.length === 3);
    runs[1]?.finish();
    runs[2]?.finish();
    expect((await second).texts).toEqual(EXPECTED);
    expect((await third).texts).toEqual(EXPECTED);
    runs[0]?.finish();
    expect((await lost).texts).toEqual(EXPECTED);
  });

  test("a shared run continues when the platform ends the first request", async () => {
    const harness = createHarness();
    harness.model = "absent";
    const runs = hold(harness);
    let isSettled = false;
    // The platform ends the work of a request with its client, except for what was passed to waitUntil.
    const first = harness.request();
    await until(() => runs.length === 1);
    const settled = harness.settle().then(() => {
      isSettled = true;
    });
    await nextIteration();
    expect(isSettled).toBe(false);
    runs[0]?.finish();
    await settled;
    expect((await first).texts).toEqual(EXPECTED);
  });

  test("concurrent identical requests run once when the client of the first one closes the connection", async () => {
    const harness = createHarness();
    const runs = hold(harness, { checkSignal: true });
    const connection = new AbortController();
    const first = harness.request({ signal: connection.signal });
    await until(() => runs.length === 1);
    const second = harness.request();
    await until(() => harness.lookups === 2);
    connection.abort();
    runs[0]?.finish();
    expect((await second).report).toMatchObject({ outcome: "miss", collapsed: true });
    expect((await first).texts).toEqual(EXPECTED);
    expect(runs).toHaveLength(1);
  });

  test("a run that nobody shares ends with its client", async () => {
    const harness = createHarness();
    const runs = hold(harness, { checkSignal: true });
    const connection = new AbortController();
    const result = harness.request({ signal: connection.signal });
    await until(() => runs.length === 1);
    connection.abort();
    runs[0]?.finish();
    await rejectedApiError("client_closed_request", result);
  });

  test("a request with no-cache shares no run, and ends with its own client", async () => {
    const harness = createHarness();
    const runs = hold(harness, { checkSignal: true });
    const connection = new AbortController();
    const result = harness.request({ control: "no-cache", signal: connection.signal });
    await until(() => runs.length === 1);
    connection.abort();
    runs[0]?.finish();
    await rejectedApiError("client_closed_request", result);
  });

  test("concurrent identical requests with different directives run separately", async () => {
    const harness = createHarness();
    harness.model = "absent";
    const runs = hold(harness);
    const plain = harness.request();
    await until(() => runs.length === 1);
    const fresh = harness.request({ control: "no-cache" });
    const unstored = harness.request({ control: "no-store" });
    const other = harness.request({ input: "other" });
    await rejectedApiError("not_cached", harness.request({ control: "only-if-cached" }));
    await until(() => runs.length === 4);
    for (const run of runs) run.finish();
    expect(runs.map(({ input }) => input).sort()).toEqual(["hello", "hello", "hello", "other"]);
    expect((await fresh).report).toMatchObject({ outcome: "miss", collapsed: false });
    expect((await unstored).report).toMatchObject({ outcome: "bypass" });
    expect((await other).texts.first).toBe("a other");
    expect((await plain).texts).toEqual(EXPECTED);
  });

  test("a waiting request does not use an entry that is too old for it, though another one accepts it", async () => {
    const tier = createMemoryTier("kv");
    const filler = createHarness({ tiers: [tier] });
    await filler.request();
    await filler.settle();
    filler.clock.ms += 10_000;
    const held = Promise.withResolvers<void>();
    const kv = {
      ...tier,
      get: async (address: Parameters<typeof tier.get>[0]) => {
        await held.promise;
        return tier.get(address);
      },
    };
    const harness = createHarness({ tiers: [kv], clock: filler.clock, readTimeoutMs: 60_000 });
    const patient = harness.request();
    await until(() => harness.lookups === 1);
    const strict = harness.request({ control: "max-age=5" });
    await until(() => harness.lookups === 2);
    held.resolve();
    expect((await patient).report).toMatchObject({ outcome: "hit", tier: "kv", ageSeconds: 10 });
    expect((await strict).report).toMatchObject({ outcome: "miss", reason: "too-old" });
    expect(harness.runs).toEqual(["hello"]);
  });
});

test("the trace measures the cache lookup and the run as separate phases", async () => {
  const { trace } = await createHarness({ tiers: [createMemoryTier("kv")] }).request();
  expect(trace.phasesMs).toEqual({ cache: expect.any(Number), infer: 5 });
});
