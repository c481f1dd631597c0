import { expect, test } from "vitest";
import type { DataSelector } from "../../../../src/domain/data-selector.ts";
import { migrate } from "../../../../src/domain/durable-object/migrate.ts";
import type {
  IdentifiedPrediction,
  KeptRow,
} from "../../../../src/domain/monitoring/prediction-batch.ts";
import { requestHash } from "../../../../src/domain/request-hash.ts";
import { createAccuracy } from "../../../../src/monitoring/accuracy/accuracy.ts";
import { METRICS_MIGRATIONS } from "../../../../src/monitoring/migrations.ts";
import { reportClassification } from "../../../../src/monitoring/statistics/classification.ts";
import { uuidV7 } from "../../../../src/shared/uuid-v7.ts";
import { createTestStorage } from "../../../support/sql.ts";

const OWNER = { id: "0a1b2c3d", isAdmin: false };
const ADMIN = { id: "admin", isAdmin: true };
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

function createStore() {
  const storage = createTestStorage();
  migrate(storage, METRICS_MIGRATIONS);
  const accuracy = createAccuracy(storage);

  function predict(
    rows: readonly KeptRow[],
    fields: Partial<IdentifiedPrediction> = {},
  ): IdentifiedPrediction {
    const time = fields.time ?? storage.now();
    const own = { requestId: uuidV7(time), time, count: rows.length, rows };
    return { ...own, principal: "key:0a1b2c3d", ...fields };
  }

  async function keep(
    predictions: readonly IdentifiedPrediction[],
    { version = "1", retentionDays = 30 } = {},
  ): Promise<void> {
    const batch = { versions: [{ version, retentionDays, predictions }], canaries: [] };
    accuracy.append(await accuracy.prepare(batch));
  }

  async function give(requestId: string, truth: (string | number | null)[], giver = OWNER, at = 0) {
    const knownAt = storage.now() + at;
    const [answer] = await accuracy.recordTruths([{ requestId, truth, knownAt }], giver);
    return answer;
  }

  /** All pages. */
  async function exported(selector: DataSelector): Promise<object[]> {
    const items: object[] = [];
    let cursor: string | undefined;
    do {
      const page = await accuracy.exportFeedback(selector, cursor);
      items.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return items;
  }

  const find = async (requestIds: readonly string[], giver = OWNER, version?: string) =>
    accuracy.findPredictions({ requestIds, giver, version });
  const rowsOf = (table: string): number =>
    Number([...storage.sql.exec(`SELECT COUNT(*) AS count FROM ${table}`)][0]?.count);
  const readAll = async () => accuracy.readTruths({ from: 0, to: storage.now() + DAY });

  return { storage, accuracy, predict, keep, give, find, exported, rowsOf, readAll };
}

test("predictions of a minute are one row, and each is found by the id of its request", async () => {
  const { storage, predict, keep, find, rowsOf } = createStore();
  const all: IdentifiedPrediction[] = [];
  for (let flush = 0; flush < 6; flush++) {
    const some = Array.from({ length: 50 }, (_, index) =>
      predict(
        [[`label ${flush}`, index / 50]],
        index % 2 ? { requestId: `order-${flush}-${index}` } : {},
      ),
    );
    all.push(...some);
    await keep(some);
    storage.advance(5000);
  }
  expect(rowsOf("prediction_segments")).toBe(1);
  const answers = await find(all.map(({ requestId }) => requestId));
  expect(answers).toEqual(all.map(({ rows, count }) => ({ version: "1", rows, count })));
});

test("a prediction is found among those of weeks, by the time in its id or without one", async () => {
  const { storage, predict, keep, find, rowsOf } = createStore();
  const old = [predict([1.5]), predict([2.5], { requestId: "order-17" })];
  await keep(old);
  for (let day = 0; day < 20; day++) {
    storage.advance(DAY);
    await keep([predict([["a", 0.5]])], { version: "2" });
  }
  expect(rowsOf("prediction_segments")).toBe(21);
  expect(await find(old.map(({ requestId }) => requestId))).toEqual([
    { version: "1", rows: [1.5], count: 1 },
    { version: "1", rows: [2.5], count: 1 },
  ]);
  expect(await find([old[0]?.requestId ?? ""], OWNER, "2")).toEqual([{ problem: "unknown" }]);
});

test("requests that are unknown, of another key, expired or recent are told apart as far as they may be", async () => {
  const { storage, predict, keep, find } = createStore();
  const own = predict([["a"]]);
  const nobodys = predict([["b"]], { principal: "anonymous" });
  const others = predict([["c"]], { principal: "key:ffffffff" });
  await keep([own, nobodys, others]);
  storage.advance(2 * MINUTE);
  const fresh = uuidV7(storage.now() - 1000);
  const ids = [own, nobodys, others].map(({ requestId }) => requestId);
  expect(await find([...ids, fresh, "order-1"])).toEqual([
    { version: "1", rows: [["a"]], count: 1 },
    { version: "1", rows: [["b"]], count: 1 },
    { problem: "unknown" },
    { problem: "recent" },
    { problem: "unknown" },
  ]);
  expect(await find([ids[2] ?? ""], ADMIN)).toEqual([{ version: "1", rows: [["c"]], count: 1 }]);
  storage.advance(30 * DAY);
  expect(await find(ids)).toEqual(ids.map(() => ({ problem: "expired" })));
});

test("feedback is idempotent, a correction replaces, and an older one does not", async () => {
  const { predict, keep, give, readAll, rowsOf } = createStore();
  const one = predict([
    ["a", 0.9],
    ["b", 0.6],
  ]);
  await keep([one]);
  expect(await give(one.requestId, ["a", "a"])).toEqual({ status: "recorded", compared: 2 });
  const first = await readAll();
  expect(await give(one.requestId, ["a", "a"])).toEqual({ status: "unchanged", compared: 2 });
  expect(await readAll()).toEqual(first);
  expect(first.totals["1"]).toMatchObject({ truths: 2, correct: 1, pairs: { a: { a: 1, b: 1 } } });
  expect(await give(one.requestId, ["a", "b"], OWNER, 1000)).toMatchObject({ status: "replaced" });
  expect(await give(one.requestId, ["b", "b"], OWNER, 500)).toMatchObject({ status: "outdated" });
  const { totals, windows } = await readAll();
  expect(totals["1"]).toMatchObject({ truths: 2, correct: 2, pairs: { a: { a: 1 }, b: { b: 1 } } });
  expect(windows).toHaveLength(1);
  expect(windows[0]?.sums).toEqual(totals["1"]);
  expect(await give(one.requestId, ["a", null], OWNER, 2000)).toMatchObject({
    status: "replaced",
    compared: 1,
  });
  expect((await readAll()).totals["1"]?.truths).toBe(1);
  expect(rowsOf("truths")).toBe(1);
});

test("feedback of another key is refused, and that of an administrator recorded", async () => {
  const { predict, keep, give } = createStore();
  const one = predict([["a"]]);
  await keep([one]);
  expect(await give(one.requestId, ["a"], { id: "ffffffff", isAdmin: false })).toEqual({
    problem: "unknown",
  });
  expect(await give(one.requestId, ["a"], ADMIN)).toMatchObject({ status: "recorded" });
});

test("of several truths of a request in one call each later one is a correction", async () => {
  const { accuracy, predict, keep, readAll, storage } = createStore();
  const one = predict([["a", 0.9]]);
  await keep([one]);
  const knownAt = storage.now();
  const truths = [["a"], ["b"], ["b"]].map((truth) => ({
    requestId: one.requestId,
    truth,
    knownAt,
  }));
  const answers = await accuracy.recordTruths(truths, OWNER);
  expect(answers).toMatchObject([
    { status: "recorded" },
    { status: "replaced" },
    { status: "unchanged" },
  ]);
  expect((await readAll()).totals["1"]).toMatchObject({ truths: 1, correct: 0 });
});

test("truths are summed by version and hour of the prediction", async () => {
  const { storage, predict, keep, give, readAll, accuracy } = createStore();
  const early = predict([["a", 0.8]]);
  await keep([early]);
  storage.advance(3 * 60 * MINUTE);
  const late = predict([["a", 0.8]]);
  const value = predict([3.5]);
  await keep([late]);
  await keep([value], { version: "2" });
  await give(early.requestId, ["a"]);
  await give(late.requestId, ["b"]);
  await give(value.requestId, [3]);
  const { windows, totals } = await readAll();
  expect(windows.map(({ version, start, sums }) => [version, start, sums.truths])).toEqual([
    ["1", Date.parse("2026-11-30T12:00:00Z"), 1],
    ["1", Date.parse("2026-11-30T15:00:00Z"), 1],
    ["2", Date.parse("2026-11-30T15:00:00Z"), 1],
  ]);
  const squared = 0.25;
  expect(totals["2"]?.values).toEqual({
    count: 1,
    error: 0.5,
    absolute: 0.5,
    squared,
    fourth: 0.0625,
  });
  const later = await accuracy.readTruths({
    from: Date.parse("2026-11-30T15:00:00Z"),
    to: storage.now() + 1,
    version: "1",
  });
  expect(later.windows).toHaveLength(1);
  const total = totals["1"];
  expect(total && reportClassification(total)?.accuracy.value).toBe(0.5);
});

test("what belongs to a key, a subject or a request is exported and erased, also when it arrives late", async () => {
  const { storage, accuracy, predict, keep, give, find, exported, rowsOf } = createStore();
  const erase = async (kind: "key" | "subject" | "request", value: string) => {
    storage.sql.exec(
      "INSERT INTO erasures (kind, value, at) VALUES (?, ?, ?)",
      kind,
      value,
      storage.now(),
    );
    return accuracy.erase({ kind, value });
  };
  const mine = [predict([["a"]]), predict([["b"]], { subject: "5e1f" })];
  const others = [
    predict([["c"]], { principal: "key:ffffffff" }),
    predict([["d"]], { principal: "key:ffffffff" }),
  ];
  await keep([...mine, ...others]);
  const ids = [...mine, ...others].map(({ requestId }) => requestId);
  await give(ids[0] ?? "", ["a"]);
  await give(ids[2] ?? "", ["x"], ADMIN);

  const all = await exported({ kind: "key", value: "0a1b2c3d" });
  expect(all).toHaveLength(3);
  expect(all).toContainEqual(expect.objectContaining({ table: "truths", truth: ["a"] }));

  const request = await requestHash(ids[3] ?? "");
  expect(await exported({ kind: "request", value: request })).toHaveLength(1);
  expect(await erase("request", request)).toBe(1);
  expect(await erase("subject", "5e1f")).toBe(1);
  expect(await find(ids, ADMIN)).toMatchObject([
    { rows: [["a"]] },
    { problem: "recent" },
    { rows: [["c"]] },
    { problem: "recent" },
  ]);
  expect(await erase("key", "0a1b2c3d")).toBe(2);
  // The truth that an administrator gave for a request of another key.
  expect(rowsOf("truths")).toBe(1);
  await keep([...mine, ...others.slice(1)]);
  expect(await exported({ kind: "key", value: "0a1b2c3d" })).toEqual([]);
  expect(await find(ids.slice(3), ADMIN)).toEqual([{ problem: "recent" }]);
  storage.advance(1000);
  const after = predict([["e"]]);
  await keep([after]);
  expect(await find([after.requestId])).toMatchObject([{ rows: [["e"]] }]);
});

test("an export of many predictions and truths has each once, in pages", async () => {
  const { storage, accuracy, predict, keep, exported } = createStore();
  const all: IdentifiedPrediction[] = [];
  for (let minute = 0; minute < 90; minute++) {
    const some = Array.from({ length: 20 }, (_, index) => predict([index]));
    await keep(some);
    all.push(...some);
    storage.advance(2 * MINUTE);
  }
  const truths = all.slice(0, 1300).map(({ requestId }) => ({
    requestId,
    truth: [1],
    knownAt: storage.now(),
  }));
  // Of its own requests a key is the owner and the giver.
  await accuracy.recordTruths(truths, OWNER);
  const items = await exported({ kind: "key", value: "0a1b2c3d" });
  const ofTable = (name: string) => items.filter((item) => Object(item).table === name);
  expect(ofTable("predictions")).toHaveLength(1800);
  expect(new Set(ofTable("predictions").map((item) => Object(item).request)).size).toBe(1800);
  expect(ofTable("truths")).toHaveLength(1300);
});

test("a key that chooses the id of another key's request takes nothing from it", async () => {
  const { storage, predict, keep, give, find } = createStore();
  const requestId = "order-18";
  const attacker = { id: "ffffffff", isAdmin: false };
  const stolen = { requestId, principal: "key:ffffffff" };
  await keep([predict([["stolen"]], stolen)]);
  await give(requestId, ["x"], attacker);
  await keep([predict([["own"]], { requestId })]);
  storage.advance(5 * MINUTE);
  await keep([predict([["stolen later"]], stolen)]);
  await keep([predict([["anonymous"]], { requestId, principal: "anonymous" })]);
  expect(await find([requestId])).toEqual([{ version: "1", rows: [["own"]], count: 1 }]);
  expect(await give(requestId, ["own"])).toEqual({ compared: 1, status: "recorded" });
  expect(await give(requestId, ["own"])).toEqual({ compared: 1, status: "unchanged" });
  expect(await give(requestId, ["x"], attacker)).toEqual({ compared: 1, status: "unchanged" });
  expect(await find([requestId], { id: "22222222", isAdmin: false })).toEqual([
    { version: "1", rows: [["anonymous"]], count: 1 },
  ]);
});

test("predictions and truths end with their retention, and those of a version with the version", async () => {
  const { storage, accuracy, predict, keep, give, rowsOf, readAll } = createStore();
  const short = predict([["a"]]);
  await keep([short], { retentionDays: 1 });
  const long = predict([["b"]]);
  await keep([long], { version: "2" });
  await give(short.requestId, ["a"]);
  await give(long.requestId, ["b"]);
  expect(accuracy.dueAt()).toBe(storage.now() + DAY);
  storage.advance(2 * DAY);
  // A Durable Object is another one after each pause.
  await createAccuracy(storage).work();
  expect([rowsOf("prediction_segments"), rowsOf("truths")]).toEqual([1, 1]);
  // Sums are of nobody, and stay.
  expect(Object.keys((await readAll()).totals)).toEqual(["1", "2"]);
  await accuracy.forget("2");
  expect([rowsOf("prediction_segments"), rowsOf("truths")]).toEqual([0, 0]);
  expect(Object.keys((await readAll()).totals)).toEqual(["1"]);
});
