import { expect, test } from "vitest";
import { timeOfUuidV7, uuidV7 } from "../../../src/shared/uuid-v7.ts";

test("a UUID of version 7 has its time, its version and its variant where RFC 9562 has them", () => {
  // The example of RFC 9562, appendix A.6.
  expect(timeOfUuidV7("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")).toBe(
    Date.parse("2022-02-22T14:22:22-05:00"),
  );
  const time = Date.parse("2026-11-30T12:00:00.123Z");
  const id = uuidV7(time);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(timeOfUuidV7(id)).toBe(time);
});

test("UUIDs of the same time differ, and those of a later time come later", () => {
  const ids = Array.from({ length: 1000 }, () => uuidV7(1_000));
  expect(new Set(ids).size).toBe(1000);
  expect(ids.every((id) => id < uuidV7(1_001))).toBe(true);
});

test("the time of other texts is not known", () => {
  for (const text of ["", "order-17", "4d1e0f4e-7f5b-4f4e-9a55-0f7a1d2b3c4d", `${uuidV7(1)}0`])
    expect(timeOfUuidV7(text)).toBeUndefined();
});
