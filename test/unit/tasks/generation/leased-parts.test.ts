import { expect, test } from "vitest";
import { leasedParts } from "../../../../src/tasks/generation/leased-parts.ts";

test("what parts are computed with is disposed when they cannot be created", () => {
  let disposed = 0;
  const lease = { [Symbol.dispose]: () => void disposed++ };
  const failure = new Error("no memory for what the parts read");
  expect(() =>
    leasedParts(lease, () => {
      throw failure;
    }),
  ).toThrow(failure);
  expect(disposed).toBe(1);
});
