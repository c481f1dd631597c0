import { expect, test, vi } from "vitest";
import { createFloodGuard } from "../../../src/guard/flood-guard.ts";

test("a limiter that fails lets requests pass, and is reported once for each outage", async () => {
  let answer: () => Promise<{ success: boolean }> = async () => ({ success: false });
  const keys: string[] = [];
  const failures: unknown[] = [];
  const guard = createFloodGuard(
    {
      limit({ key }) {
        keys.push(key);
        return answer();
      },
    },
    (error) => failures.push(error),
  );
  expect(await guard.allows("192.0.2.1")).toBe(false);
  const error = new Error("no limiter");
  answer = () => Promise.reject(error);
  expect([await guard.allows("192.0.2.1"), await guard.allows("192.0.2.2")]).toEqual([true, true]);
  expect(failures).toEqual([error]);
  answer = async () => ({ success: true });
  expect(await guard.allows("192.0.2.3")).toBe(true);
  answer = () => {
    throw error;
  };
  expect(await guard.allows("192.0.2.3")).toBe(true);
  expect(failures).toEqual([error, error]);
  answer = () => new Promise(() => undefined);
  expect(await guard.allows("192.0.2.3")).toBe(true);
  expect(new Set(keys)).toEqual(new Set(["192.0.2.1", "192.0.2.2", "192.0.2.3"]));
});

test("a limiter that never answers lets requests pass, of which one waits for it in a second", async () => {
  let hangs = true;
  const clock = { ms: 0 };
  const onFailure = vi.fn();
  const limit = vi.fn(async () =>
    hangs ? new Promise<never>(() => undefined) : { success: false },
  );
  const guard = createFloodGuard({ limit }, onFailure, () => clock.ms);
  expect(await guard.allows("a")).toBe(true);
  expect(await guard.allows("a")).toBe(true);
  expect(limit).toHaveBeenCalledTimes(1);
  expect(onFailure).toHaveBeenCalledTimes(1);
  hangs = false;
  clock.ms = 1000;
  expect(await guard.allows("a")).toBe(false);
});
