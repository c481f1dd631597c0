import { describe, expect, it } from "vitest";
import {
  type Adversity,
  requestsOf,
  simulateCollection,
} from "../../support/simulation/simulate-collection.ts";

/** A sequence that looks random, and is always the same for a seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

const NONE: Adversity = { lost: 0, unanswered: 0, repeated: 0, restarts: 0 };

describe("requests of many isolates", () => {
  it.each<[string, Adversity]>([
    ["when nothing fails", NONE],
    ["when batches are lost", { ...NONE, lost: 0.3 }],
    ["when answers are lost", { ...NONE, unanswered: 0.3 }],
    ["when batches come twice, and late", { ...NONE, repeated: 0.5 }],
    ["when the objects end again and again", { ...NONE, restarts: 0.3 }],
    ["when all of that happens", { lost: 0.2, unanswered: 0.2, repeated: 0.3, restarts: 0.2 }],
  ])("are each counted once %s", async (_, adversity) => {
    const { seen, totals, readings } = await simulateCollection({
      random: createRandom(11),
      ...adversity,
    });
    const counted = Object.fromEntries(
      totals
        .filter(({ model }) => model !== "")
        .map(({ model, version, aggregate }) => [`${model}@${version}`, aggregate.requests]),
    );
    expect(counted).toEqual(Object.fromEntries(seen));
    expect(requestsOf(totals)).toBeGreaterThan(1000);
    for (const { aggregate } of totals) {
      expect(aggregate.durations.total?.count ?? 0).toBe(aggregate.requests);
      expect(aggregate.lost).toEqual({});
    }
    expect(readings).toEqual(readings.toSorted((one, two) => one - two));
  });

  it("are counted or counted as lost, when a shard is out of reach for longer than batches are sent again", async () => {
    const { seen, totals } = await simulateCollection({
      random: createRandom(5),
      ...NONE,
      unreachable: { shard: "model:wine", steps: 20 },
      stepMs: 60_000,
      steps: 30,
    });
    const lost = totals.reduce(
      (sum, { aggregate }) =>
        sum + Object.values(aggregate.lost).reduce((each, count) => each + count, 0),
      0,
    );
    const all = [...seen.values()].reduce((sum, count) => sum + count, 0);
    expect(lost).toBeGreaterThan(0);
    expect(requestsOf(totals) + lost).toBe(all);
  });
});
