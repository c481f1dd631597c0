import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import type { InferRequest } from "../../../src/domain/model-host.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import {
  createHarness,
  createManifest,
  createMemoryTier,
  type Harness,
  type Question,
  type Reply,
  toOutputs,
} from "../../support/cache-harness.ts";
import { rejectedApiError } from "../../support/errors.ts";

const EXPECTED = { first: "a hello", second: "HELLO" };

/** Runs that end when a test says so, each with what it was asked. */
interface HeldRun {
  readonly input: string;
  finish(): void;
  fail(error: unknown): void;
}

function hold(harness: Harness): HeldRun[] {
  const runs: HeldRun[] = [];
  harness.infer = (request: InferRequest) => {
    const run = Promise.withResolvers<Tensor[]>();
    runs.push({
      input: String(request.inputs[0]?.data[0]),
      finish: () => run.resolve(toOutputs(request)),
      fail: run.reject,
    });
    return run.promise;
  };
  return runs;
}

/** Lets everything go on that waits for nothing outside. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Far more than anything needs; without a bound a test that fails would never end. */
const MAX_TURNS = 10_000;

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < MAX_TURNS; turns++) {
    if (condition()) return;
    await turn();
  }
  throw new Error(`after ${MAX_TURNS} turns it is still not so that ${condition}`);
}

describe("the cache is passed by", () => {
  test.each<[string, { enabled?: boolean }, Question, string]>([
    ["where it is switched off", { enabled: false }, {}, "disabled"],
    [
      "for a model that says so",
      {},
      { manifest: createManifest({ cache: { enabled: false, ttlSeconds: 60 } }) },
      "disabled",
    ],
    ["by no-store", {}, { control: "no-store" }, "no-store"],
  ])("%s", async (_, options, question, reason) => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv], ...options });
    for (let run = 1; run <= 2; run++) {
      const { texts, report } = await harness.ask(question);
      expect(texts).toEqual(EXPECTED);
      expect(report).toMatchObject({ outcome: "bypass", reason, stored: false, key: undefined });
      expect(harness.runs).toHaveLength(run);
    }
    await harness.settle();
    expect([kv.calls, harness.cache.usage().entries]).toEqual([[], 0]);
  });
});

describe("the request's directives", () => {
  test("no-cache computes anew and stores", async () => {
    const harness = createHarness();
    await harness.ask();
    harness.clock.ms += 1000;
    const fresh = await harness.ask({ control: "no-cache" });
    expect(fresh.report).toMatchObject({ outcome: "miss", reason: "no-cache", stored: true });
    expect(harness.runs).toHaveLength(2);
    expect((await harness.ask()).report).toMatchObject({ outcome: "hit", ageSeconds: 0 });
  });

  test("no-cache asks no tier", async () => {
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv] });
    await harness.ask({ control: "no-cache" });
    await harness.settle();
    expect(kv.calls).toEqual(["put"]);
  });

  test("max-age takes answers of that age, and no older ones", async () => {
    const harness = createHarness();
    await harness.ask();
    harness.clock.ms += 10_000;
    expect((await harness.ask({ control: "max-age=10" })).report.outcome).toBe("hit");
    harness.clock.ms += 1;
    const older = await harness.ask({ control: "max-age=10" });
    expect(older.report).toMatchObject({ outcome: "miss", reason: "too-old" });
    expect((await harness.ask()).report).toMatchObject({ outcome: "hit", ageSeconds: 0 });
  });

  test("max-age does not lengthen the model's ttl", async () => {
    const harness = createHarness();
    await harness.ask();
    harness.clock.ms += 3_600_001;
    const { report } = await harness.ask({ control: "max-age=99999999" });
    expect(report).toMatchObject({ outcome: "miss", reason: "expired" });
  });

  test("an old answer that one request refuses serves the next one", async () => {
    const harness = createHarness();
    await harness.ask();
    harness.clock.ms += 10_000;
    const question: Question = { control: "max-age=1, only-if-cached" };
    await rejectedApiError("not_cached", harness.ask(question));
    expect((await harness.ask()).report).toMatchObject({ outcome: "hit", ageSeconds: 10 });
  });

  test("only-if-cached runs nothing", async () => {
    const harness = createHarness({ tiers: [createMemoryTier("kv")] });
    const question: Question = { control: "only-if-cached" };
    const error = await rejectedApiError("not_cached", harness.ask(question));
    expect(error).toMatchObject({ kind: { status: 504 }, details: { reason: "absent" } });
    expect(harness.runs).toEqual([]);
    await harness.ask();
    expect((await harness.ask(question)).report.outcome).toBe("hit");
  });

  test("only-if-cached is refused where nothing is cached", async () => {
    const harness = createHarness({ enabled: false });
    await rejectedApiError("not_cached", harness.ask({ control: "only-if-cached" }));
    expect(harness.runs).toEqual([]);
  });
});

describe("an answer serves", () => {
  test("requests for its outputs in any order", async () => {
    const harness = createHarness();
    await harness.ask({ outputs: ["first", "second"] });
    const { texts, report } = await harness.ask({ outputs: ["second", "first"] });
    expect(Object.entries(texts)).toEqual([
      ["second", "HELLO"],
      ["first", "a hello"],
    ]);
    expect(report.outcome).toBe("hit");
  });

  test("requests that name all outputs and requests that name none", async () => {
    const harness = createHarness();
    await harness.ask();
    const { report } = await harness.ask({ outputs: ["second", "first"] });
    expect(report.outcome).toBe("hit");
  });

  test("no request for other outputs", async () => {
    const harness = createHarness();
    await harness.ask({ outputs: ["first"] });
    const { texts, report } = await harness.ask({ outputs: ["second"] });
    expect(texts).toEqual({ second: "HELLO" });
    expect(report.outcome).toBe("miss");
  });

  test("no request to another model file, and again the file that it is of", async () => {
    const harness = createHarness();
    const files = [{ path: "model.onnx", sha256: "b".repeat(64), sizeBytes: 1 }];
    const second = createManifest({ version: "2", files });
    await harness.ask();
    expect((await harness.ask({ manifest: second })).texts.first).toBe("b hello");
    const back = await harness.ask();
    expect(back).toMatchObject({ texts: EXPECTED, report: { outcome: "hit" } });
    expect(harness.runs).toHaveLength(2);
  });

  test.each([
    ["everybody", "public", "hit"],
    ["its own client", "key", "miss"],
  ])("%s where the scope is %j", async (_, scope, outcome) => {
    const manifest = createManifest({ cache: { enabled: true, ttlSeconds: 60, scope } });
    const kv = createMemoryTier("kv");
    const harness = createHarness({ tiers: [kv] });
    const first = await harness.ask({ manifest, client: "0123456789abcdef" });
    expect((await harness.ask({ manifest, client: "fedcba9876543210" })).report.outcome).toBe(
      outcome,
    );
    expect((await harness.ask({ manifest })).report.outcome).toBe(outcome);
    await harness.settle();
    const again = await createHarness({ tiers: [kv], clock: harness.clock }).ask({
      manifest,
      client: "0123456789abcdef",
    });
    expect(again.report).toMatchObject({ outcome: "hit", tier: "kv", key: first.report.key });
  });
});

describe("identical requests at the same time", () => {
  test.each(["absent", "loading", "ready"] as const)(
    "run once while the model is %s",
    async (state) => {
      const harness = createHarness();
      harness.model = state;
      const runs = hold(harness);
      const replies = Array.from({ length: 10 }, () => harness.ask());
      await until(() => runs.length > 0 && harness.lookups === 10);
      runs[0]?.finish();
      const answered = await Promise.all(replies);
      expect(runs).toHaveLength(1);
      expect(answered.map(({ texts }) => texts)).toEqual(Array(10).fill(EXPECTED));
      const reports = answered.map(({ report }) => report);
      expect(reports.filter(({ stored }) => stored)).toHaveLength(1);
      expect(reports.filter(({ collapsed }) => collapsed)).toHaveLength(9);
      expect(reports.map(({ outcome }) => outcome)).toEqual(Array(10).fill("miss"));
    },
  );

  test("run once when the runs begin and end at once", async () => {
    const harness = createHarness({ outerTiers: "auto" });
    await Promise.all(Array.from({ length: 10 }, () => harness.ask()));
    expect(harness.runs).toEqual(["hello"]);
  });

  test("ask the outer tiers once", async () => {
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
    const replies = Array.from({ length: 10 }, () => harness.ask());
    await until(() => reads > 0 && harness.lookups === 10);
    held.resolve(undefined);
    const answered = await Promise.all(replies);
    expect([reads, harness.runs]).toEqual([1, ["hello"]]);
    expect(answered.map(({ texts }) => texts)).toEqual(Array(10).fill(EXPECTED));
  });

  test("share what a tier has, which is a hit for all of them", async () => {
    const tier = createMemoryTier("kv");
    const filler = createHarness({ tiers: [tier] });
    await filler.ask();
    await filler.settle();
    const harness = createHarness({ tiers: [tier], clock: filler.clock, isolateBytes: 0 });
    const answered = await Promise.all(Array.from({ length: 5 }, () => harness.ask()));
    for (const { texts, report } of answered) {
      expect(texts).toEqual(EXPECTED);
      expect(report).toMatchObject({ outcome: "hit", tier: "kv", collapsed: false });
    }
    expect(harness.runs).toEqual([]);
  });

  test("run each for itself after a failure, which is not stored", async () => {
    const harness = createHarness();
    harness.model = "absent";
    const runs = hold(harness);
    const replies: Promise<Reply>[] = [];
    // Hashing ends in any order, and each reply is told from the others.
    for (let asked = 1; asked <= 3; asked++) {
      replies.push(harness.ask());
      await until(() => harness.lookups === asked);
    }
    await until(() => runs.length === 1 && harness.lookups === 3);
    const failure = new ApiError("out_of_memory", "The first one had no memory.");
    runs[0]?.fail(failure);
    await expect(replies[0]).rejects.toBe(failure);
    await until(() => runs.length === 3);
    runs[1]?.finish();
    runs[2]?.fail(new ApiError("engine_crashed", "The third one crashed."));
    expect((await replies[1])?.texts).toEqual(EXPECTED);
    await expect(replies[2]).rejects.toThrow("The third one crashed.");
    // The failure of the first has left nothing behind.
    expect((await harness.ask()).report).toMatchObject({ outcome: "hit" });
    expect(harness.cache.usage().entries).toBe(1);
  });

  test("run again when the platform has cut off the one that ran", async () => {
    const harness = createHarness({ flightPatienceMs: 30 });
    harness.model = "absent";
    const runs = hold(harness);
    const lost = harness.ask();
    await until(() => runs.length === 1);
    const second = harness.ask();
    await until(() => runs.length === 2);
    // The next one does not wait for the lost one again.
    const third = harness.ask();
    await until(() => runs.length === 3);
    runs[1]?.finish();
    runs[2]?.finish();
    expect((await second).texts).toEqual(EXPECTED);
    expect((await third).texts).toEqual(EXPECTED);
    runs[0]?.finish();
    expect((await lost).texts).toEqual(EXPECTED);
  });

  test("are kept alive for each other when the first client goes away", async () => {
    const harness = createHarness();
    harness.model = "absent";
    const runs = hold(harness);
    let isSettled = false;
    // The platform ends a request's work with its client, but for what waitUntil was given.
    const first = harness.ask();
    await until(() => runs.length === 1);
    const settled = harness.settle().then(() => {
      isSettled = true;
    });
    await turn();
    expect(isSettled).toBe(false);
    runs[0]?.finish();
    await settled;
    expect((await first).texts).toEqual(EXPECTED);
  });

  test("of other wishes go their own ways", async () => {
    const harness = createHarness();
    harness.model = "absent";
    const runs = hold(harness);
    const plain = harness.ask();
    await until(() => runs.length === 1);
    const fresh = harness.ask({ control: "no-cache" });
    const unstored = harness.ask({ control: "no-store" });
    const other = harness.ask({ input: "other" });
    await rejectedApiError("not_cached", harness.ask({ control: "only-if-cached" }));
    await until(() => runs.length === 4);
    for (const run of runs) run.finish();
    expect(runs.map(({ input }) => input).sort()).toEqual(["hello", "hello", "hello", "other"]);
    expect((await fresh).report).toMatchObject({ outcome: "miss", collapsed: false });
    expect((await unstored).report).toMatchObject({ outcome: "bypass" });
    expect((await other).texts.first).toBe("a other");
    expect((await plain).texts).toEqual(EXPECTED);
  });

  test("do not take an old answer that another one accepts", async () => {
    const tier = createMemoryTier("kv");
    const filler = createHarness({ tiers: [tier] });
    await filler.ask();
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
    const patient = harness.ask();
    await until(() => harness.lookups === 1);
    const strict = harness.ask({ control: "max-age=5" });
    await until(() => harness.lookups === 2);
    held.resolve();
    expect((await patient).report).toMatchObject({ outcome: "hit", tier: "kv", ageSeconds: 10 });
    expect((await strict).report).toMatchObject({ outcome: "miss", reason: "too-old" });
    expect(harness.runs).toEqual(["hello"]);
  });
});

test("the key and the tiers are one phase, the run another", async () => {
  const { trace } = await createHarness({ tiers: [createMemoryTier("kv")] }).ask();
  expect(trace.phasesMs).toEqual({ cache: expect.any(Number), infer: 5 });
});
