import { expect, test, vi } from "vitest";
import { latest, latestFulfilled } from "../../../src/shared/latest.ts";

test("the result of the latest arguments is kept, and that of others is not", () => {
  const create = vi.fn((a: string, b: string) => [a, b]);
  const get = latest(create);
  expect(get("a", "b")).toBe(get("a", "b"));
  expect(get("a", "c")).toEqual(["a", "c"]);
  expect(get("a", "b")).toEqual(["a", "b"]);
  expect(create).toHaveBeenCalledTimes(3);
});

test("a value is kept once its promise is fulfilled, so that one that never settles delays its own caller alone", async () => {
  const create = vi
    .fn(async (a: string) => [a])
    .mockReturnValueOnce(new Promise(() => {}))
    .mockRejectedValueOnce(new Error("failed"));
  const get = latestFulfilled(create);
  void get("a");
  await expect(get("a")).rejects.toThrow("failed");
  expect(await get("a")).toBe(await get("a"));
  expect(create).toHaveBeenCalledTimes(3);
  expect(await get("b")).toEqual(["b"]);
});
