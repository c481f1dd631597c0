import { describe, expect, test } from "vitest";
import type { RequestEvent } from "../../../../src/domain/event.ts";
import { durationStep } from "../../../../src/domain/monitoring/duration-steps.ts";
import type { CanaryPair } from "../../../../src/domain/monitoring/prediction-batch.ts";
import { createPredictionBuffer } from "../../../../src/telemetry/predictions/prediction-buffer.ts";
import { requestEvent } from "../../../support/events.ts";

const PAIR: CanaryPair = {
  alias: "live",
  since: 4,
  stable: "1",
  canary: "2",
  significance: 0.01,
  metrics: ["errors"],
  calibrated: [],
};

function predicted(fields: Partial<RequestEvent> = {}): RequestEvent {
  return requestEvent({
    model: "iris",
    version: "1",
    principal: "key:1f0c2a9b",
    outputs: { count: 1, rows: [{ label: "setosa", confidence: 0.97684 }] },
    ...fields,
  });
}

function createBuffer({ rate = 1, retentionDays = 30, random = (): number => 0.5 } = {}) {
  let lost = 0;
  const buffer = createPredictionBuffer({
    settingsOf: (_, version) => (version === "9" ? undefined : { rate, retentionDays }),
    pairsOf: (_, alias) => (alias === "live" ? [PAIR] : []),
    onLost: (count) => {
      lost += count;
    },
    random,
  });
  return { ...buffer, lost: () => lost };
}

describe("predictions", () => {
  test("are kept by version with what a truth is compared with, and taken once", () => {
    const { add, take } = createBuffer();
    const event = predicted({ time: "2026-11-30T12:00:00.500Z" });
    add(event);
    add(predicted({ version: "2", outputs: { count: 3, rows: [{ value: 1.5 }, {}] } }));
    expect(take()).toMatchObject({
      versions: [
        {
          version: "1",
          retentionDays: 30,
          predictions: [
            {
              requestId: event.requestId,
              time: Date.parse("2026-11-30T12:00:00.500Z"),
              count: 1,
              rows: [["setosa", 0.9768]],
              principal: "key:1f0c2a9b",
            },
          ],
        },
        { version: "2", predictions: [{ count: 3, rows: [1.5, null] }] },
      ],
      canaries: [],
    });
    expect(take()).toBeUndefined();
  });

  test("of errors, of other operations, of unknown versions and without rows are not kept", () => {
    const { add, take } = createBuffer();
    add(predicted({ status: 500 }));
    add(predicted({ operationKind: "metadata" }));
    add(predicted({ version: "9" }));
    add(predicted({ outputs: { count: 1 } }));
    add(predicted({ outputs: { count: 1, rows: [{}] } }));
    add(predicted({ outputs: undefined }));
    expect(take()).toBeUndefined();
  });

  test("are kept by the rate of their model, and not at all without one or without a retention", () => {
    const draws = [0.1, 0.3, 0.24, 0.9];
    const { add, take } = createBuffer({ rate: 0.25, random: () => draws.shift() ?? 1 });
    for (let index = 0; index < 4; index++) add(predicted());
    expect(take()?.versions[0]?.predictions).toHaveLength(2);
    for (const settings of [{ rate: 0 }, { retentionDays: 0 }]) {
      const none = createBuffer(settings);
      none.add(predicted());
      expect(none.take()).toBeUndefined();
    }
  });

  test("beyond what an isolate keeps between two batches are counted as lost", () => {
    const { add, take, lost } = createBuffer();
    for (let index = 0; index < 4100; index++) add(predicted());
    expect(take()?.versions[0]?.predictions).toHaveLength(4096);
    expect(lost()).toBe(4);
  });
});

test("requests that were drawn for a split are counted by version, errors and durations", () => {
  const { add, take } = createBuffer({ rate: 0 });
  const drawn = { split: "live", alias: "live", clock: "advancing" as const, totalMs: 12 };
  add(predicted(drawn));
  add(predicted({ ...drawn, version: "2" }));
  add(predicted({ ...drawn, version: "2", status: 503, outputs: undefined }));
  add(predicted({ ...drawn, version: "2", status: 400, outputs: undefined }));
  // Refused for what is no matter of the version, frozen clocks, another version, one that was named.
  add(predicted({ ...drawn, version: "2", status: 429 }));
  add(predicted({ ...drawn, version: "2", clock: "frozen" }));
  add(predicted({ ...drawn, version: "3" }));
  add(predicted({ version: "2" }));
  const step = durationStep(12);
  expect(take()?.canaries).toEqual([
    {
      ...PAIR,
      counts: {
        stable: { requests: 1, errors: 0, durations: { [step]: 1 }, confidences: { 19: 1 } },
        canary: { requests: 4, errors: 2, durations: { [step]: 1 }, confidences: { 19: 2 } },
      },
    },
  ]);
});
