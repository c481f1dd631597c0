import { describe, expect, test } from "vitest";
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

describe("memory that bodies leave to others", () => {
  const OVERHEAD = 4096;
  const budgetOf = (limitBytes: number) => createBodyBudget({ limitBytes, now: () => 0 });

  test("is given as long as there is some, and counts in the budget", () => {
    const budget = budgetOf(100_000);
    const body = budget.reserve({ bytes: 50_000, timeoutMs: 1000 });
    expect(budget.reserveSpare({ bytes: 50_000, timeoutMs: 1000 })).toBeUndefined();
    const spare = budget.reserveSpare({ bytes: 40_000, timeoutMs: 1000 });
    expect(spare).toBeDefined();
    expect(budget.reserveSpare({ bytes: 2000, timeoutMs: 1000 })).toBeUndefined();
    spare?.release();
    body.release();
    expect(budget.reserveSpare({ bytes: 100_000 - OVERHEAD, timeoutMs: 1000 })).toBeDefined();
  });

  test("is evicted at once when a body needs it, before bodies that have stalled", () => {
    const budget = budgetOf(100_000);
    const stalled = budget.reserve({ bytes: 40_000, timeoutMs: 1000 });
    const evicted: string[] = [];
    stalled.onEvicted(() => evicted.push("body"));
    for (const name of ["first", "second"])
      budget.reserveSpare({ bytes: 20_000, timeoutMs: 1000 })?.onEvicted(() => evicted.push(name));
    budget.reserve({ bytes: 20_000, timeoutMs: 1000, purpose: "one" });
    expect(evicted).toEqual(["first"]);
    budget.reserve({ bytes: 8000, timeoutMs: 1000, purpose: "other" });
    expect(evicted).toEqual(["first", "second"]);
  });

  test("evicts nothing itself but what is lost", () => {
    let nowMs = 0;
    const budget = createBodyBudget({ limitBytes: 100_000, now: () => nowMs });
    budget.reserve({ bytes: 90_000, timeoutMs: 1000 });
    nowMs = 20_000;
    expect(budget.reserveSpare({ bytes: 20_000, timeoutMs: 1000 })).toBeUndefined();
    nowMs = 31_001;
    expect(budget.reserveSpare({ bytes: 20_000, timeoutMs: 1000 })).toBeDefined();
  });
});
