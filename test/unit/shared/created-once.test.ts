import { expect, test, vi } from "vitest";
import { CreatedOnce } from "../../../src/shared/created-once.ts";

const PATIENT_MS = 60_000;
const IMPATIENT_MS = 10;

/** The creation of a request that the platform ended. */
function never(): Promise<string> {
  return new Promise(() => {});
}

test("callers at the same time and later ones share one creation of a key, and another key has its own", async () => {
  const values = new CreatedOnce<object, string>(PATIENT_MS);
  const [first, second] = [{}, {}];
  const create = vi.fn(async () => "value");
  const shared = await Promise.all([1, 2, 3].map(() => values.get(first, create)));
  expect([...shared, await values.get(first, create)]).toEqual(Array(4).fill("value"));
  expect(create).toHaveBeenCalledTimes(1);
  expect(await values.get(second, async () => "other")).toBe("other");
});

test("a creation that failed rejects for all that waited, and the next caller creates the value", async () => {
  const values = new CreatedOnce<object, string>(PATIENT_MS);
  const key = {};
  const fail = async (): Promise<string> => {
    throw new Error("storage is away");
  };
  const waiting = [1, 2].map(() => values.get(key, fail));
  for (const result of waiting) await expect(result).rejects.toThrow("storage is away");
  expect(await values.get(key, async () => "value")).toBe("value");
});

test("a creation is kept alive beyond its caller, without its failure", async () => {
  const values = new CreatedOnce<object, string>(PATIENT_MS);
  const kept: Promise<unknown>[] = [];
  const waitUntil = (work: Promise<unknown>): void => void kept.push(work);
  const { promise, reject } = Promise.withResolvers<string>();
  const key = {};
  const first = values.get(key, () => promise, { waitUntil });
  const joined = values.get(key, never, { waitUntil });
  expect(kept).toHaveLength(1);
  reject(new Error("failed"));
  await expect(first).rejects.toThrow("failed");
  await expect(joined).rejects.toThrow("failed");
  expect(await Promise.all(kept)).toEqual([undefined]);
});

test("a creation that never settles is replaced by one of the callers that waited, for all of them", async () => {
  const values = new CreatedOnce<object, string>(IMPATIENT_MS);
  const key = {};
  void values.get(key, never);
  const create = vi.fn(async () => "value");
  const waiting = [1, 2, 3].map(() => values.get(key, create));
  expect(await Promise.all(waiting)).toEqual(["value", "value", "value"]);
  expect(create).toHaveBeenCalledTimes(1);
});

test("a caller without time left gives up, and leaves the creation to the others", async () => {
  const values = new CreatedOnce<object, string>(PATIENT_MS);
  const key = {};
  const { promise, resolve } = Promise.withResolvers<string>();
  const first = values.get(key, () => promise);
  const deadline = {
    remainingMs: 1,
    check: () => {
      throw new Error("too late");
    },
  };
  const create = vi.fn(never);
  await expect(values.get(key, create, { deadline })).rejects.toThrow("too late");
  resolve("value");
  expect([await first, await values.get(key, create)]).toEqual(["value", "value"]);
  expect(create).not.toHaveBeenCalled();
});

test("a creation that ends late leaves the one that replaced it", async () => {
  const values = new CreatedOnce<object, string>(IMPATIENT_MS);
  const key = {};
  const late = Promise.withResolvers<string>();
  const first = values.get(key, () => late.promise);
  expect(await values.get(key, async () => "newer")).toBe("newer");
  late.reject(new Error("late"));
  await expect(first).rejects.toThrow("late");
  expect(await values.get(key, never)).toBe("newer");
});
