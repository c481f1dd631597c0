import { expect, test } from "vitest";
import { createBodyBudget } from "../../../src/inference/body-budget.ts";
import { catchApiError } from "../../support/errors.ts";

const MEBIBYTE = 2 ** 20;
const overhead = 4096;

function create(limitMebibytes = 8) {
  let time = 0;
  const budget = createBodyBudget({ limitBytes: limitMebibytes * MEBIBYTE, now: () => time });
  const reserve = (purpose: string, mebibytes: number) =>
    budget.reserve({ purpose, bytes: mebibytes * MEBIBYTE - overhead, timeoutMs: 30_000 });
  const pass = (milliseconds: number): void => {
    time += milliseconds;
  };
  return { reserve, pass };
}

test("bodies for one model leave a quarter of the budget for others", () => {
  const { reserve } = create();
  for (let body = 0; body < 6; body++) reserve("heavy", 1);
  const { message, details } = catchApiError("overloaded", () => reserve("heavy", 1));
  expect(message).toContain("for this model take 6291456 of 6291456 bytes");
  expect(details).toMatchObject({ usedBytes: 6 * MEBIBYTE, limitBytes: 6 * MEBIBYTE });
  reserve("light", 2);
  expect(catchApiError("overloaded", () => reserve("light", 1)).message).toContain(
    "The bodies of the requests in flight take 8388608 of 8388608 bytes",
  );
});

test("a single body may take the whole budget, also while it grows", () => {
  const { reserve } = create();
  const reservation = reserve("heavy", 1);
  reservation.resize(8 * MEBIBYTE - overhead);
  reservation.release();
  reserve("heavy", 8);
});

test("a body that has stalled gives way to one for the same model, and its read ends", () => {
  const { reserve, pass } = create();
  const errors: unknown[] = [];
  reserve("heavy", 6).onEvicted((error) => errors.push(error));
  expect(catchApiError("overloaded", () => reserve("heavy", 1)).code).toBe("overloaded");
  pass(2000);
  reserve("heavy", 6);
  expect(errors).toEqual([expect.objectContaining({ code: "body_timeout" })]);
});

test("what is complete does not give way, and what is lost does", () => {
  const { reserve, pass } = create();
  reserve("heavy", 6).complete();
  pass(60_000);
  expect(catchApiError("overloaded", () => reserve("light", 3)).code).toBe("overloaded");
  pass(1);
  reserve("light", 3);
});
