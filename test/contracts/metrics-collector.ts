import { describe, expect, test } from "vitest";
import { createAggregate } from "../../src/domain/monitoring/aggregate.ts";
import type {
  Batch,
  MetricsCollector,
  WindowDelta,
} from "../../src/domain/monitoring/collector.ts";
import { requestHash } from "../../src/domain/request-hash.ts";
import { rejectedApiError } from "../support/errors.ts";
import { requestEvent } from "../support/events.ts";

export interface CollectorUnderTest {
  /** A shard that nobody has used. */
  readonly collector: MetricsCollector;
  now(): number;
  /** Lets time pass until what was added is stored. */
  settle(): Promise<void>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const KEY = "0a1b2c3d4e5f";

/** What every collector does, whatever it is made of. */
export function describeMetricsCollector(create: () => Promise<CollectorUnderTest>): void {
  let number = 0;

  function batchOf(windows: readonly WindowDelta[], fields: Partial<Batch> = {}): Batch {
    return {
      source: "isolate",
      number: ++number,
      windows,
      events: [],
      missed: 0,
      models: [],
      policy: { commitMs: 20, minutesForMs: 24 * HOUR_MS, hoursForMs: 35 * 24 * HOUR_MS },
      ...fields,
    };
  }

  function windowOf(
    version: string,
    at: number,
    requests: number,
    principal = `key:${KEY}`,
  ): WindowDelta {
    const aggregate = createAggregate();
    aggregate.requests = requests;
    aggregate.principals[principal] = requests;
    return { model: "iris", version, start: Math.floor(at / MINUTE_MS) * MINUTE_MS, aggregate };
  }

  async function add({ collector, settle }: CollectorUnderTest, ...batches: Batch[]) {
    const receipts = Promise.all(batches.map((batch) => collector.add(batch)));
    await settle();
    return receipts;
  }

  const requestsOf = async ({ collector }: CollectorUnderTest) =>
    Object.fromEntries(
      (await collector.totals()).map(({ version, aggregate }) => [version, aggregate.requests]),
    );

  describe("a collector", () => {
    test("adds each batch once, however often it comes", async () => {
      const tested = await create();
      const batch = batchOf([windowOf("1", tested.now(), 3)]);
      await add(tested, batch, batch);
      await add(tested, batch);
      await add(tested, batchOf([windowOf("1", tested.now(), 4), windowOf("2", tested.now(), 5)]));
      expect(await requestsOf(tested)).toEqual({ 1: 7, 2: 5 });
    });

    test("does not add a batch that a later one has overtaken", async () => {
      const tested = await create();
      const [first, second] = [3, 4].map((requests) =>
        batchOf([windowOf("1", tested.now(), requests)]),
      ) as [Batch, Batch];
      await add(tested, second);
      await add(tested, first);
      expect(await requestsOf(tested)).toEqual({ 1: 4 });
    });

    test("has the windows of a time, by minutes and in longer steps", async () => {
      const tested = await create();
      const hour = Math.floor(tested.now() / HOUR_MS) * HOUR_MS;
      const [one, two] = [hour - 30 * MINUTE_MS, hour - 29 * MINUTE_MS];
      await add(
        tested,
        batchOf([windowOf("1", one, 1), windowOf("1", two, 2), windowOf("2", two, 4)]),
      );
      const read = async (from: number, to: number, stepSeconds: number, version?: string) =>
        (await tested.collector.windows({ from, to, stepSeconds, version })).map(
          ({ start, seconds, version: of, aggregate }) => [
            of,
            (start - hour) / MINUTE_MS,
            seconds,
            aggregate.requests,
          ],
        );
      expect(await read(one, two + MINUTE_MS, 60)).toEqual([
        ["1", -30, 60, 1],
        ["1", -29, 60, 2],
        ["2", -29, 60, 4],
      ]);
      expect(await read(one, two, 60)).toEqual([["1", -30, 60, 1]]);
      expect(await read(one + 1000, two + MINUTE_MS, 120, "1")).toEqual([["1", -30, 120, 3]]);
      expect(await read(hour - HOUR_MS, hour, 3600)).toEqual([
        ["1", -60, 3600, 3],
        ["2", -60, 3600, 4],
      ]);
      expect(await read(hour, hour + HOUR_MS, 60)).toEqual([]);
    });

    test("passes on events, and those after a cursor, and tells senders that they are watched", async () => {
      const tested = await create();
      const events = [1, 2, 3].map(() => requestEvent());
      const [receipt] = await add(tested, batchOf([], { events: events.slice(0, 2), missed: 1 }));
      expect(receipt).toMatchObject({ isWatched: false });
      const first = await tested.collector.events();
      expect(first.events).toEqual(events.slice(0, 2));
      expect(await tested.collector.events(first.cursor)).toMatchObject({ events: [], missed: 0 });
      const [watched] = await add(tested, batchOf([], { events: events.slice(2), missed: 5 }));
      expect(watched).toMatchObject({ isWatched: true });
      expect(await tested.collector.events(first.cursor)).toMatchObject({
        events: events.slice(2),
        missed: 5,
      });
      expect(await tested.collector.events("of another object")).toMatchObject({ events });
    });

    test("lists the models that it was told of, until they are forgotten", async () => {
      const tested = await create();
      await add(tested, batchOf([], { models: ["iris", "wine"] }));
      const models = await tested.collector.models();
      expect(models.map(({ model }) => model)).toEqual(["iris", "wine"]);
      await tested.collector.forgetModel("iris");
      await add(tested, batchOf([], { models: ["iris"] }));
      expect(await tested.collector.models()).toMatchObject([{ model: "wine" }]);
    });

    test("forgets a version, or all of them, and what is late of them", async () => {
      const tested = await create();
      const windows = () => ["1", "2"].map((version) => windowOf(version, tested.now(), 1));
      await add(tested, batchOf(windows()));
      await tested.collector.forget("1");
      await add(tested, batchOf(windows()));
      expect(await requestsOf(tested)).toEqual({ 2: 2 });
      await tested.collector.forget();
      await add(tested, batchOf(windows()));
      expect(await requestsOf(tested)).toEqual({});
      await add(tested, batchOf([windowOf("1", tested.now() + MINUTE_MS, 1)]));
      expect(await requestsOf(tested)).toEqual({ 1: 1 });
    });

    test("exports what tells of a key, and counts its requests as those of others once it is erased", async () => {
      const tested = await create();
      const { collector } = tested;
      const event = requestEvent({ principal: `key:${KEY}` });
      await add(
        tested,
        batchOf([windowOf("1", tested.now(), 3), windowOf("1", tested.now(), 4, "key:other")], {
          events: [event, requestEvent({ principal: "key:other" })],
        }),
      );
      const selector = { kind: "key", value: KEY } as const;
      const exported = await collector.export(selector);
      expect(exported).toContainEqual(event);
      expect(exported).toContainEqual({
        table: "totals",
        version: "1",
        principal: `key:${KEY}`,
        requests: 3,
      });
      expect(exported).toHaveLength(4);
      expect(await collector.erase(selector)).toBe(4);
      // What comes late.
      await add(tested, batchOf([windowOf("1", tested.now(), 2)], { events: [event] }));
      expect(await collector.export(selector)).toEqual([]);
      const [totals] = await collector.totals();
      expect(totals?.aggregate).toMatchObject({
        requests: 9,
        principals: { "key:other": 4, other: 5 },
      });
      expect((await collector.events()).events).toMatchObject([{ principal: "key:other" }]);
      expect(await collector.erase(selector)).toBe(0);
    });

    test("erases the events of a subject and of a request", async () => {
      const tested = await create();
      const { collector } = tested;
      const events = [
        requestEvent({ subject: "a".repeat(32) }),
        requestEvent(),
        requestEvent({ subject: "b".repeat(32) }),
      ] as const;
      await add(tested, batchOf([], { events }));
      expect(await collector.erase({ kind: "subject", value: "a".repeat(32) })).toBe(1);
      const value = await requestHash(events[1].requestId);
      expect(await collector.export({ kind: "request", value })).toEqual([events[1]]);
      expect(await collector.erase({ kind: "request", value })).toBe(1);
      expect((await collector.events()).events).toEqual([events[2]]);
    });

    test.each<[string, Partial<Batch>]>([
      ["no sender", { source: "" }],
      ["the number 0", { number: 0 }],
      [
        "a window that begins in the middle of a minute",
        { windows: [{ ...windowOf("1", 0, 1), start: 1 }] },
      ],
      ["no policy", { policy: undefined as never }],
    ])("refuses a batch with %s", async (_, fields) => {
      const { collector } = await create();
      const error = await rejectedApiError("invalid_request", collector.add(batchOf([], fields)));
      expect(error.message).toMatch(/^The batch is not valid: /);
    });
  });
}
