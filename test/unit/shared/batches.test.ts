import { expect, test } from "vitest";
import { createBatches } from "../../../src/shared/batches.ts";

/** Batches whose runs are recorded, and wait until they are let go. */
function create(maxWaitMs = 60_000) {
  const runs: { key: string; items: readonly number[]; end: (error?: Error) => void }[] = [];
  const add = createBatches<number, string>(async (key, items) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    runs.push({ key, items, end: (error) => (error ? reject(error) : resolve()) });
    await promise;
    return items.map((item) =>
      item < 0
        ? { status: "rejected", reason: new Error(`no ${item}`) }
        : { status: "fulfilled", value: `${key}${item}` },
    );
  }, maxWaitMs);
  return { runs, add };
}

const turn = (): Promise<void> => new Promise((resume) => setTimeout(resume, 0));

test("what arrives while a batch runs is the next batch, and each item has its result", async () => {
  const { runs, add } = create();
  const results = [add("a", 1), add("a", 2), add("a", -3), add("b", 4)];
  const settled = Promise.allSettled(results);
  await turn();
  expect(runs.map(({ key, items }) => [key, items])).toEqual([
    ["a", [1]],
    ["b", [4]],
  ]);
  runs[0]?.end();
  await turn();
  expect(runs[2]).toMatchObject({ key: "a", items: [2, -3] });
  runs[1]?.end();
  runs[2]?.end();
  expect(await settled).toMatchObject([
    { value: "a1" },
    { value: "a2" },
    { reason: { message: "no -3" } },
    { value: "b4" },
  ]);
});

test("a batch that fails fails all of its items, and the next one runs", async () => {
  const { runs, add } = create();
  const settled = Promise.allSettled([add("a", 1), add("a", 2)]);
  await turn();
  runs[0]?.end(new Error("lost"));
  await turn();
  runs[1]?.end();
  expect(await settled).toMatchObject([{ reason: { message: "lost" } }, { value: "a2" }]);
});

test("a batch that never ends is waited for only so long, by the next one and by its items", async () => {
  const { runs, add } = create(10);
  void add("a", 1);
  const results = [add("a", 2), add("a", 3)];
  while (runs.length < 3) await new Promise((resume) => setTimeout(resume, 5));
  // The second batch does not end either, so its second item runs alone.
  expect(runs.map(({ items }) => items)).toEqual([[1], [2, 3], [3]]);
  runs[2]?.end();
  expect(await results[1]).toBe("a3");
  runs[1]?.end();
  expect(await results[0]).toBe("a2");
});
