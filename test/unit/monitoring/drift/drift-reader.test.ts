import { expect, test } from "vitest";
import { toNumericReference } from "../../../../src/domain/monitoring/reference-feature.ts";
import type { KnownProfile } from "../../../../src/domain/monitoring/reference-profile.ts";
import { createDriftReader } from "../../../../src/monitoring/drift/drift-reader.ts";
import type { Bucket } from "../../../../src/monitoring/drift/windows.ts";

const ID = { name: "m", version: "1" };
const HOUR_MS = 3_600_000;
const NOW = Date.parse("2026-11-30T12:34:56Z");
const reference = toNumericReference("x", [...Array(100).keys()]);
const known: KnownProfile = {
  digest: "d",
  profile: {
    schemaVersion: 1,
    model: "m",
    version: "1",
    modelSha256: "0".repeat(64),
    rows: 100,
    createdAt: "2026-11-30T00:00:00Z",
    inputs: [reference],
    outputs: [],
  },
};

function bucket(start: number, seconds: number, rows: number): Bucket {
  const histogram = reference.counts.map((count) => (count * rows) / 100);
  const moments = { count: rows, missing: 0, mean: 0, m2: 0 };
  const inputs = { x: { kind: "numeric" as const, moments, histogram } };
  return { start, seconds, aggregate: { profile: "d", inputs, inferences: rows } };
}

function createReader(
  answers: readonly (readonly Bucket[])[],
  profile?: KnownProfile,
  onlyEnded = false,
) {
  const asked: unknown[] = [];
  const reader = createDriftReader({
    windows: async ({ from, to, stepSeconds }) => {
      asked.push({ hours: (NOW - from) / HOUR_MS, until: to, stepSeconds });
      return answers[asked.length - 1] ?? [];
    },
    profile: async () => profile,
    defaults: { level: 0.01, minEffect: 0.1, minRows: 100, minSeconds: 300 },
    retention: { minutesForMs: 24 * HOUR_MS, hoursForMs: 35 * 24 * HOUR_MS },
    now: () => NOW,
    onlyEnded,
  });
  return { reader, asked };
}

test("windows are made of the last day, from the beginning of an hour on", async () => {
  const recent = [1, 2, 3].map((index) => bucket(NOW - index * 600_000, 300, 100)).reverse();
  const { reader, asked } = createReader([recent], known);
  const report = await reader.report(ID);
  expect(report).toMatchObject({ model: "m", version: "1", status: "none" });
  expect(report.windows).toHaveLength(3);
  expect(asked).toEqual([
    { hours: expect.closeTo(23 + 34.933 / 60, 3), until: NOW + 1, stepSeconds: 300 },
  ]);
});

test("where the last day has no two windows, they are made of hours of more than a month", async () => {
  const old = [30, 20, 10].map((days) => bucket(NOW - days * 24 * HOUR_MS, 3600, 60));
  const { reader, asked } = createReader([old.slice(2), old], known);
  const report = await reader.report(ID);
  expect(asked).toMatchObject([{ stepSeconds: 300 }, { stepSeconds: 3600 }]);
  expect(report.windows.map(({ rows, complete }) => [rows, complete])).toEqual([
    [60, false],
    [120, true],
  ]);
});

test("a report may have other windows than by default", async () => {
  const { reader, asked } = createReader([[], [bucket(NOW - HOUR_MS, 3600, 50)]], known);
  const report = await reader.report(ID, { minRows: 50, minSeconds: 90 });
  expect(asked).toMatchObject([{ stepSeconds: 60 }, { stepSeconds: 3600 }]);
  expect(report).toMatchObject({ minRows: 50, minSeconds: 90, status: "none" });
});

test("a window that still grows counts only where that is wanted", async () => {
  const recent = [bucket(NOW - 900_000, 300, 100), bucket(NOW - 60_000, 300, 100)];
  const open = createReader([recent, []], known);
  expect((await open.reader.report(ID)).windows).toHaveLength(2);
  const ended = createReader([recent, [recent[0] as Bucket]], known, true);
  expect((await ended.reader.report(ID)).windows).toHaveLength(1);
});

test("without a profile nothing is read", async () => {
  const { reader, asked } = createReader([]);
  expect(await reader.report(ID)).toMatchObject({ status: "no_profile", windows: [] });
  expect(asked).toEqual([]);
});
