import { describe, expect, it } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import { createAggregate } from "../../../src/domain/monitoring/aggregate.ts";
import { SERVICE_SHARD } from "../../../src/domain/monitoring/collector.ts";
import type { MetricsMethods } from "../../../src/domain/monitoring/metrics-methods.ts";
import { createMonitoring } from "../../../src/monitoring/reader.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { requestEvent } from "../../support/events.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");

type Shard = Pick<MetricsMethods, "totals" | "metrics" | "windows" | "events" | "models">;

/** The models `a` and `b`, whose shards answer or fail. */
function reading(shards: Readonly<Record<string, Partial<Shard>>>) {
  return createMonitoring((name) => {
    const answers: Partial<Shard> = shards[name] ?? {};
    const models = async () => ["a", "b"].map((model) => ({ model, seenAt: NOW }));
    return new Proxy({ ...(name === SERVICE_SHARD && { models }), ...answers } as Shard, {
      get: (target, method) =>
        Reflect.get(target, method) ??
        (async () => {
          throw new ApiError("monitoring_unavailable", "Out of reach.");
        }),
    });
  });
}

const metrics = (model: string) => async () => ({
  totals: [{ model, version: "1", aggregate: { ...createAggregate(), requests: 1 } }],
});

describe("what was collected", () => {
  it("is that of all shards, and names those that do not answer", async () => {
    const answered = await reading({
      [SERVICE_SHARD]: { metrics: metrics("") },
      "model:b": { metrics: metrics("b") },
    }).metrics();
    expect(answered.value.map(({ totals: [first] }) => first?.model)).toEqual(["", "b"]);
    expect(answered.unreachable).toEqual([{ shard: "model:a", problem: "monitoring_unavailable" }]);
  });

  it("is that of the published models when the list of models cannot be read", async () => {
    const connect = (name: string): Shard =>
      ({
        models: () => Promise.reject(new ApiError("monitoring_unavailable", "Out of reach.")),
        metrics: metrics(name.replace("model:", "")),
      }) as never;
    const published = async () => ["c"];
    const { value, unreachable } = await createMonitoring(connect, { published }).metrics();
    expect(value.map(({ totals: [first] }) => first?.model)).toEqual(["c"]);
    expect(unreachable).toEqual([{ shard: SERVICE_SHARD, problem: "monitoring_unavailable" }]);
  });

  it("is nothing, and says so, when the list of models cannot be read", async () => {
    const models = async () => {
      throw new ApiError("monitoring_unavailable", "Out of reach.");
    };
    expect(await reading({ [SERVICE_SHARD]: { models } }).metrics()).toEqual({
      value: [],
      unreachable: [{ shard: SERVICE_SHARD, problem: "monitoring_unavailable" }],
    });
  });

  it("is asked of one shard alone, when one model is asked for", async () => {
    const window = {
      model: "b",
      version: "1",
      start: NOW,
      seconds: 60,
      aggregate: createAggregate(),
    };
    const { value } = await reading({
      "model:b": { windows: async () => [window] },
    }).series({ model: "b", from: NOW, to: NOW + 60_000, stepSeconds: 60 });
    expect(value).toEqual([window]);
  });

  it("is asked of no shard of a name that is no model's: that would create it", async () => {
    const asked: string[] = [];
    const monitoring = createMonitoring((name) => {
      asked.push(name);
      return {
        models: async () => [{ model: "a", seenAt: NOW }],
        events: async () => ({ events: [], cursor: "s", missed: 0 }),
      } as never;
    });
    const series = { model: "nobody", from: NOW, to: NOW + 60_000, stepSeconds: 60 };
    expect(await monitoring.series(series)).toEqual({ value: [], unreachable: [] });
    expect(await monitoring.events({ model: "nobody" })).toMatchObject({ value: { events: [] } });
    expect(new Set(asked)).toEqual(new Set([SERVICE_SHARD]));
  });

  it.each([
    ["no length", { from: NOW, to: NOW, stepSeconds: 60 }, /has no length/],
    ["a step of half a minute", { from: NOW, to: NOW + 1, stepSeconds: 30 }, /multiple of 60 s/],
    [
      "more windows than there may be",
      { from: NOW - 7 * 86_400_000, to: NOW, stepSeconds: 60 },
      /10080 windows, and 1500 is the most: make the step at least 420 s/,
    ],
  ])("is refused for %s", async (_, request, message) => {
    const error = await rejectedApiError("invalid_request", reading({}).series(request));
    expect(error.message).toMatch(message);
  });

  it("has the events of all shards by their time, and goes on after the last ones of each", async () => {
    const [one, two, three] = [1, 2, 3].map((second) =>
      requestEvent({ time: `2026-11-30T12:00:0${second}.000Z` }),
    );
    const asked: (string | undefined)[] = [];
    const monitoring = reading({
      [SERVICE_SHARD]: { events: async () => ({ events: [], cursor: "s", missed: 1 }) },
      "model:a": {
        events: async (after) => {
          asked.push(after);
          return { events: [one, three] as never, cursor: "a", missed: 0 };
        },
      },
      "model:b": { events: async () => ({ events: [two] as never, cursor: "b", missed: 2 }) },
    });
    const { value } = await monitoring.events();
    expect(value.events).toEqual([one, two, three]);
    expect(value.missed).toBe(3);
    await monitoring.events({ after: value.cursor });
    await monitoring.events({ after: "no cursor" });
    expect(asked).toEqual([undefined, "a", undefined]);
  });
});
