import { describe, expect, test } from "vitest";
import { createShadowStatisticsSink } from "../../../src/telemetry/shadow-statistics.ts";
import { COMPARED, PREDICTION, PURGE } from "../../contracts/event-sink.ts";

const { model } = COMPARED;

describe("the sink that counts copies to shadows", () => {
  test("counts copies by model, alias and pair of versions", () => {
    const sink = createShadowStatisticsSink();
    const other = { ...COMPARED, outcome: "different", distance: 0.75, shadowMs: 5 } as const;
    const skipped = {
      ...COMPARED,
      outcome: "skipped",
      reason: "memory",
      distance: undefined,
    } as const;
    const failed = {
      ...COMPARED,
      outcome: "failed",
      errorCode: "engine_crashed",
      distance: undefined,
    } as const;
    const time = "2026-11-23T00:00:00.000Z";
    for (const event of [
      COMPARED,
      other,
      skipped,
      failed,
      failed,
      { ...COMPARED, alias: "canary", time },
    ])
      sink.emit(event);
    sink.emit({ ...COMPARED, model: "wine" });
    const { alias, version, shadowVersion } = COMPARED;
    expect(sink.of(model)).toEqual([
      {
        alias,
        version,
        shadowVersion,
        same: 1,
        different: 1,
        failed: 2,
        skipped: 1,
        failures: { engine_crashed: 2 },
        skips: { memory: 1 },
        measures: { score_difference: { count: 2, mean: 0.5, max: 0.75 } },
        primaryMs: 2,
        shadowMs: 4,
        timed: 2,
        lastAt: COMPARED.time,
      },
      expect.objectContaining({ alias: "canary", same: 1, different: 0, lastAt: time }),
    ]);
    expect(sink.of("wine")).toHaveLength(1);
    expect(sink.of("unknown")).toEqual([]);
  });

  test("leaves copies that waited for the shadow, and answers of the cache, out of the durations", () => {
    const sink = createShadowStatisticsSink();
    sink.emit({ ...COMPARED, coldStart: true, shadowMs: 900 });
    sink.emit({ ...COMPARED, primaryCache: "hit", primaryMs: 0.1 });
    sink.emit({ ...COMPARED, primaryCache: "miss", shadowCache: "hit", shadowMs: 0.1 });
    expect(sink.of(model)).toMatchObject([{ same: 3, timed: 0, shadowMs: undefined }]);
    sink.emit({ ...COMPARED, primaryCache: "miss", shadowCache: "bypass" });
    expect(sink.of(model)).toMatchObject([{ same: 4, timed: 1, primaryMs: 2, shadowMs: 3 }]);
  });

  test.each([
    ["the version that answered", COMPARED.version],
    ["the shadow", COMPARED.shadowVersion],
    ["the model", undefined],
  ])("forgets what was counted of %s, and copies that began before", (_name, version) => {
    let now = Date.parse(COMPARED.time);
    const sink = createShadowStatisticsSink(() => now);
    sink.emit(COMPARED);
    sink.emit({ ...COMPARED, version: "3", shadowVersion: "4" });
    now += 1000;
    sink.forget(model, version);
    const left = version === undefined ? 0 : 1;
    expect(sink.of(model)).toHaveLength(left);
    sink.emit(COMPARED);
    expect(sink.of(model)).toHaveLength(left);
    sink.emit({ ...COMPARED, time: new Date(now + 1).toISOString() });
    expect(sink.of(model)).toHaveLength(left + 1);
  });

  test("ignores all other events", () => {
    const sink = createShadowStatisticsSink();
    for (const event of [PREDICTION, PURGE]) sink.emit(event);
    expect(sink.of("iris")).toEqual([]);
  });

  test("gives counts that later events do not change", () => {
    const sink = createShadowStatisticsSink();
    sink.emit(COMPARED);
    const before = sink.of(model);
    sink.emit(COMPARED);
    expect(before).toMatchObject([{ same: 1, measures: { score_difference: { count: 1 } } }]);
  });
});
