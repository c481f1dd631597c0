import { expect, test } from "vitest";
import { createClockWatch } from "../../../src/domain/clock-watch.ts";

const run = (infer: number, coldStart = false, executions = 1) => ({
  executions,
  coldStart,
  phasesMs: { infer },
});
const NOTHING = { executions: 0, coldStart: undefined, phasesMs: {} };

test("a clock whose first run of a loaded model takes no time is frozen", () => {
  const watch = createClockWatch();
  expect(watch.kindOf(NOTHING)).toBe("advancing");
  expect(watch.kindOf(run(0, true))).toBe("frozen");
  expect(watch.kindOf(NOTHING)).toBe("frozen");
});

test("a clock of whole milliseconds is not frozen by short runs", () => {
  const watch = createClockWatch();
  for (let n = 0; n < 29; n++) expect(watch.kindOf(run(0))).toBe("advancing");
  expect(watch.kindOf(run(1))).toBe("advancing");
  for (let n = 0; n < 100; n++) expect(watch.kindOf(run(0, n % 2 === 0))).toBe("advancing");
});

test("a clock by which thirty runs take no time is frozen, until one takes some", () => {
  const watch = createClockWatch();
  expect(watch.kindOf(run(0, false, 29))).toBe("advancing");
  expect(watch.kindOf(run(0))).toBe("frozen");
  expect(watch.kindOf(run(0.5))).toBe("advancing");
  expect(watch.kindOf(run(0, true))).toBe("advancing");
});
