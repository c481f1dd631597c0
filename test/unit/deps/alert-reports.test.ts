import { beforeEach, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { createAlertReports } from "../../../src/deps/alert-reports.ts";
import { createAggregate } from "../../../src/domain/monitoring/aggregate.ts";
import type { MetricsMethods } from "../../../src/domain/monitoring/metrics-methods.ts";
import { toNumericReference } from "../../../src/domain/monitoring/reference-feature.ts";
import {
  profileDigest,
  type ReferenceProfile,
} from "../../../src/domain/monitoring/reference-profile.ts";
import { manifestKey, profileKey } from "../../../src/storage/model-keys.ts";
import { createMemoryBindings } from "../../support/faults/memory-bindings.ts";
import { manifestOf } from "../../support/memory-models.ts";

const MINUTE = 60_000;
const NOW = Date.parse("2026-11-30T12:30:30Z");
const ID = { name: "iris", version: "1" };
const reference = toNumericReference("x", [...Array(100).keys()]);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  return () => vi.useRealTimers();
});

/** A minute whose requests are like the reference, or all in its first bin. */
function minute(minutesAgo: number, isDrifted: boolean) {
  const rows = 100;
  const histogram = reference.counts.map((count, bin) =>
    isDrifted ? (bin === 0 ? rows : 0) : count,
  );
  const moments = { count: rows, missing: 0, mean: 0, m2: 0 };
  const inputs = { x: { kind: "numeric" as const, moments, histogram } };
  const aggregate = { ...createAggregate(), profile: digest, inputs, inferences: rows };
  const start = Math.floor(NOW / MINUTE) * MINUTE - minutesAgo * MINUTE;
  return { ...ID, model: ID.name, start, seconds: 60, aggregate };
}

let digest = "";

async function reportsOf(minutes: readonly [number, boolean][], hasProfile = true) {
  const { MODELS } = createMemoryBindings();
  await MODELS.put(manifestKey(ID), JSON.stringify(manifestOf(ID.name, ID.version)));
  const profile: ReferenceProfile = {
    schemaVersion: 1,
    model: ID.name,
    version: ID.version,
    modelSha256: "a".repeat(64),
    rows: 100,
    createdAt: "2026-11-30T00:00:00Z",
    inputs: [reference],
    outputs: [],
  };
  digest = await profileDigest(profile);
  if (hasProfile) await MODELS.put(profileKey(ID), JSON.stringify(profile));
  const asked: string[] = [];
  const shards = (shard: string) => {
    asked.push(shard);
    return {
      windows: async () => minutes.map(([ago, isDrifted]) => minute(ago, isDrifted)),
      canaryReports: async () => [],
      truthWindows: async () => [],
      readTruths: async () => ({ totals: [], windows: [] }),
    } as unknown as MetricsMethods;
  };
  const config = parseConfig({ DRIFT_WINDOW_ROWS: "100", DRIFT_WINDOW_SECONDS: "60" });
  const reports = createAlertReports(MODELS, config, shards);
  return { reports, asked };
}

test("what alerts know of a version is read of its own shard: drift in windows that have ended", async () => {
  const { reports, asked } = await reportsOf([
    [3, true],
    [2, true],
  ]);
  expect(await reports("iris", "1")).toMatchObject({
    drift: { drifted: ["x"], count: 100 },
    canary: undefined,
    accuracy: undefined,
  });
  expect(new Set(asked)).toEqual(new Set(["model:iris"]));
});

test("a minute that goes on is not judged", async () => {
  const { reports } = await reportsOf([
    [3, false],
    [2, false],
    [1, true],
    [0, true],
  ]);
  expect((await reports("iris", "1")).drift).toMatchObject({ drifted: [] });
});

test("nothing is known of drift without a profile", async () => {
  const { reports } = await reportsOf([[2, true]], false);
  expect((await reports("iris", "1")).drift).toBeUndefined();
});
