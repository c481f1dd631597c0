import { expect, test, vi } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import { createServerReadiness } from "../../../src/registry/server-readiness.ts";

test("the server is ready while storage answers, which is asked every two seconds", async () => {
  let nowMs = 0;
  const hasObject = vi.fn(async () => false);
  const check = createServerReadiness(
    { hasObject },
    { requiredObject: undefined, now: () => nowMs },
  );
  expect(await check()).toBeUndefined();
  nowMs = 1999;
  expect(await check()).toBeUndefined();
  expect(hasObject).toHaveBeenCalledTimes(1);
  nowMs = 2000;
  hasObject.mockRejectedValueOnce(new ApiError("storage_failed", "Object storage failed."));
  expect(await check()).toBe("Object storage failed.");
  expect(await check()).toBeUndefined();
});

test("the server is not ready before the required object exists", async () => {
  const objects = new Set<string>();
  const hasObject = async (key: string): Promise<boolean> => objects.has(key);
  const check = createServerReadiness({ hasObject }, { requiredObject: "ready/7" });
  expect(await check()).toContain("ready/7");
  objects.add("ready/7");
  expect(await check()).toBeUndefined();
});

test("storage that does not answer makes the server not ready", async () => {
  vi.useFakeTimers();
  try {
    const hasObject = (): Promise<boolean> => new Promise(() => undefined);
    const reason = createServerReadiness({ hasObject }, { requiredObject: undefined })();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await reason).toContain("did not answer");
  } finally {
    vi.useRealTimers();
  }
});
