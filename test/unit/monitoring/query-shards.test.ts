import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import { queryShards } from "../../../src/monitoring/query-shards.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`);
const never = new Promise<never>(() => undefined);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("each shard is asked once, and some of them at the same time", async () => {
  let running = 0;
  let most = 0;
  const asked: string[] = [];
  const question = async (shard: string): Promise<string> => {
    asked.push(shard);
    most = Math.max(most, ++running);
    await Promise.resolve();
    running -= 1;
    return `${shard}!`;
  };
  const { value, unreachable } = await queryShards(names(50), question);
  expect(asked).toEqual(names(50));
  expect(value.map(({ shard, answer }) => [shard, answer])).toEqual(
    names(50).map((shard) => [shard, `${shard}!`]),
  );
  expect([unreachable, most]).toEqual([[], 16]);
});

test("a shard that fails is told, and the others answer", async () => {
  const { value, unreachable } = await queryShards(["a", "b", "c"], async (shard) => {
    if (shard === "a") throw new ApiError("monitoring_unavailable", "out of reach");
    if (shard === "b") throw new Error("anything else");
    return 1;
  });
  expect(value).toEqual([{ shard: "c", answer: 1 }]);
  expect(unreachable).toEqual([
    { shard: "a", problem: "monitoring_unavailable" },
    { shard: "b", problem: "internal" },
  ]);
});

test("shards that hang take no more than the time, and nothing of the others", async () => {
  const asked: string[] = [];
  const answered = queryShards(
    names(40),
    (shard) => {
      asked.push(shard);
      return Number(shard.slice(1)) < 20 ? never : Promise.resolve(shard);
    },
    { withinMs: 1000 },
  );
  await vi.advanceTimersByTimeAsync(1000);
  const { value, unreachable } = await answered;
  expect(asked).toEqual(names(40));
  expect(value.map(({ shard }) => shard)).toEqual(names(40).slice(20));
  expect(unreachable).toHaveLength(20);
  expect(unreachable.every(({ problem }) => problem === "monitoring_unavailable")).toBe(true);

  const all = queryShards(names(50), () => never, { withinMs: 1000 });
  await vi.advanceTimersByTimeAsync(1000);
  expect((await all).unreachable).toHaveLength(50);

  const few = queryShards(
    ["a", "b", "c"],
    (shard) => (shard === "b" ? never : Promise.resolve(1)),
    {
      withinMs: 1000,
    },
  );
  await vi.advanceTimersByTimeAsync(500);
  expect(await few).toEqual({
    value: [
      { shard: "a", answer: 1 },
      { shard: "c", answer: 1 },
    ],
    unreachable: [{ shard: "b", problem: "monitoring_unavailable" }],
  });
});

test("a question that is wrong is an error", async () => {
  const wrong = new ApiError("invalid_request", "wrong");
  await expect(queryShards(["a"], () => Promise.reject(wrong))).rejects.toBe(wrong);
});
