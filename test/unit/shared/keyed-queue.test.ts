import { expect, test } from "vitest";
import { createKeyedQueue } from "../../../src/shared/keyed-queue.ts";

test("work of one key runs in its order, and work of another key beside it", async () => {
  const queue = createKeyedQueue(60_000);
  const log: string[] = [];
  const first = Promise.withResolvers<void>();
  const work = (name: string, until?: Promise<void>) => async () => {
    log.push(`${name} begins`);
    await until;
    log.push(`${name} ends`);
    return name;
  };
  const results = [
    queue("a", work("first", first.promise)),
    queue("a", work("second")),
    queue("b", work("other")),
  ];
  expect(await results[2]).toBe("other");
  expect(log).toEqual(["first begins", "other begins", "other ends"]);
  first.resolve();
  expect(await Promise.all(results)).toEqual(["first", "second", "other"]);
  expect(log.slice(3)).toEqual(["first ends", "second begins", "second ends"]);
});

test("work that fails lets the next begin", async () => {
  const queue = createKeyedQueue(60_000);
  const failed = queue("a", () => Promise.reject(new Error("no")));
  const next = queue("a", async () => "next");
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe("next");
});

test("work that never settles is waited for only so long", async () => {
  const queue = createKeyedQueue(1);
  void queue("a", () => new Promise<never>(() => undefined));
  expect(await queue("a", async () => "next")).toBe("next");
});
