import { describe, expect, test } from "vitest";
import { createCacheStatisticsSink } from "../../../src/telemetry/cache-statistics.ts";
import {
  FAILURE,
  HIT,
  PREDICTION,
  PURGE,
  testEventSink,
  UNMATCHED,
} from "../../contracts/event-sink.ts";

const NONE = { hits: 0, bytes: 0, savedMs: 0, failures: 0 };
const EMPTY = {
  hits: 0,
  misses: 0,
  bypasses: 0,
  hitRatio: 0,
  savedMs: 0,
  tiers: { isolate: NONE, datacenter: NONE, kv: NONE },
};

describe("the sink that counts the cache", () => {
  testEventSink(() => {
    const sink = createCacheStatisticsSink();
    return { sink, recorded: () => sink.read() };
  });

  test("begins with nothing", () => {
    expect(createCacheStatisticsSink().read()).toEqual(EMPTY);
  });

  test("counts hits by tier, with the bytes and the time they saved, and failures of tiers", () => {
    const sink = createCacheStatisticsSink();
    const { cache } = HIT;
    if (!cache) throw new Error("the hit has no cache");
    for (const event of [
      PREDICTION,
      HIT,
      HIT,
      { ...HIT, cache: { ...cache, tier: "kv" as const, bytes: 400, savedMs: 7 } },
      { ...PREDICTION, cache: { outcome: "bypass", stored: false, collapsed: false } as const },
    ])
      sink.emit(event);
    expect(sink.read()).toEqual({
      hits: 3,
      misses: 1,
      bypasses: 1,
      hitRatio: 0.75,
      savedMs: 15,
      tiers: {
        isolate: { hits: 2, bytes: 640, savedMs: 8, failures: 0 },
        datacenter: NONE,
        kv: { hits: 1, bytes: 400, savedMs: 7, failures: 1 },
      },
    });
  });

  test("counts nothing of events without a part for the cache", () => {
    const sink = createCacheStatisticsSink();
    for (const event of [UNMATCHED, FAILURE, PURGE]) sink.emit(event);
    expect(sink.read()).toEqual(EMPTY);
  });

  test("gives statistics that later events do not change", () => {
    const sink = createCacheStatisticsSink();
    const before = sink.read();
    sink.emit(HIT);
    expect(before).toEqual(EMPTY);
  });
});
