import { beforeEach, describe, expect, test } from "vitest";
import type { CpuCosts } from "../../../src/domain/access/cpu-costs.ts";
import { NOTHING_GENERATED } from "../../../src/domain/generation-progress.ts";
import { Trace } from "../../../src/domain/trace.ts";
import { createCpuCosts } from "../../../src/guard/cpu-costs.ts";

function createTrace(phases: Trace["phasesMs"] = {}, tokens?: number): Trace {
  const trace = new Trace(() => 0);
  trace.model = "m";
  trace.version = "1";
  Object.assign(trace.phasesMs, phases);
  if (tokens !== undefined)
    trace.generation = { ...NOTHING_GENERATED, inputTokens: 1, outputTokens: tokens - 1 };
  return trace;
}

test("where the clock runs, the cost is the time of the phases that compute", () => {
  const costs = createCpuCosts({ clockRuns: () => true });
  const trace = createTrace({ body: 50, load: 400, parse: 1, infer: 20, serialize: 0.5 });
  expect(costs.begin().end(trace, false)).toBe(21.5);
});

test("the clock of this machine runs while it computes", () => {
  expect(
    createCpuCosts()
      .begin()
      .end(createTrace({ infer: 3 }), false),
  ).toBe(3);
});

describe("where the clock stands still while the isolate computes", () => {
  let now: number;
  /** What the clock will have advanced by with the next turn of the event loop. */
  let computed: number;
  let costs: CpuCosts;

  beforeEach(() => {
    now = 1_000_000;
    computed = 0;
    const clock = {
      now: () => now,
      after(_: number, callback: () => void) {
        now += computed;
        computed = 0;
        callback();
        return () => undefined;
      },
    };
    costs = createCpuCosts({ clock, clockRuns: () => false });
  });

  test("a request that is alone costs the time until the next turn, without what it waited", async () => {
    const measurement = costs.begin();
    now += 250;
    computed = 40;
    expect(await measurement.end(createTrace({ body: 50, load: 200 }), false)).toBe(40);
  });

  test("others cost what those of the same version did that were alone", async () => {
    const alone = costs.begin();
    computed = 40;
    await alone.end(createTrace(), false);
    const first = costs.begin();
    const second = costs.begin();
    now += 5000;
    expect([second.end(createTrace(), false), first.end(createTrace(), false)]).toEqual([40, 40]);
    const stream = costs.begin();
    now += 60_000;
    expect(stream.end(createTrace(), true)).toBe(40);
  });

  test("each token of a generated text costs the same", async () => {
    const alone = costs.begin();
    computed = 100;
    await alone.end(createTrace({}, 50), false);
    expect(costs.begin().end(createTrace({}, 20), true)).toBe(40);
  });

  test("the cost follows what is measured", async () => {
    for (const [ms, average] of [
      [10, 10],
      [20, 12],
      [20, 13.6],
    ] as const) {
      const alone = costs.begin();
      computed = ms;
      expect(await alone.end(createTrace(), false)).toBe(ms);
      expect(costs.begin().end(createTrace(), true)).toBeCloseTo(average, 9);
    }
  });

  test("a version that was never measured costs all the time that passed", async () => {
    const first = costs.begin();
    const second = costs.begin();
    now += 70;
    computed = 10;
    expect(await first.end(createTrace(), false)).toBe(80);
    expect(await second.end(createTrace(), false)).toBe(80);
    // That was no measurement.
    const alone = costs.begin();
    computed = 5;
    expect(await alone.end(createTrace(), false)).toBe(5);
  });

  test("an answer of the cache costs nothing", () => {
    const trace = createTrace();
    trace.cache.outcome = "hit";
    now += 5;
    expect(costs.begin().end(trace, false)).toBe(0);
  });
});
