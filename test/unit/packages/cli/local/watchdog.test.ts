import { describe, expect, test } from "vitest";
import { findChild, parseCpuTime } from "../../../../../packages/cli/src/local/child-usage.ts";
import { watch } from "../../../../../packages/cli/src/local/watchdog.ts";

/** What a server does at one probe: whether it answers, its process and the CPU time of that in milliseconds. */
type Step = readonly [answers: boolean, pid: number | undefined, cpuMs: number];

/** Watches through the steps; returns the calls that ended a process. */
async function run(steps: readonly Step[], limitMs = 1000): Promise<[number, number][]> {
  const ended: [number, number][] = [];
  const controller = new AbortController();
  let index = -1;
  await watch(
    {
      limitMs,
      pauseMs: 0,
      answers: async () => {
        index += 1;
        if (index >= steps.length - 1) controller.abort();
        return steps[index]?.[0] ?? true;
      },
      usage: () => {
        const [, pid, cpuMs] = steps[index] ?? [true, undefined, 0];
        return pid === undefined ? undefined : { pid, cpuMs };
      },
      end: (pid, cpuMs) => ended.push([pid, cpuMs]),
    },
    controller.signal,
  );
  return ended;
}

const LAST: Step = [true, 1, 0];

describe("the watchdog", () => {
  test("a server that answers is not ended, however much CPU time it uses", async () => {
    expect(await run([[true, 1, 0], [true, 1, 5000], [true, 1, 90_000], LAST])).toEqual([]);
  });

  test("a server that uses the limit without an answer is ended", async () => {
    expect(await run([[false, 1, 500], [false, 1, 1499], [false, 1, 1500], LAST])).toEqual([
      [1, 1000],
    ]);
  });

  test("an answer begins a new count", async () => {
    const steps: Step[] = [
      [false, 1, 0],
      [false, 1, 900],
      [true, 1, 950],
      [false, 1, 1000],
    ];
    expect(await run([...steps, [false, 1, 1900], LAST])).toEqual([]);
  });

  test("time that passes without CPU time does not end a server", async () => {
    expect(await run([...Array.from({ length: 50 }, (): Step => [false, 1, 10]), LAST])).toEqual(
      [],
    );
  });

  test("a new process begins a new count, and no process has none", async () => {
    const steps: Step[] = [
      [false, 1, 0],
      [false, undefined, 0],
      [false, 2, 5000],
      [false, 2, 5900],
    ];
    expect(await run([...steps, LAST])).toEqual([]);
  });

  test("a process is ended once", async () => {
    const steps: Step[] = [
      [false, 1, 0],
      [false, 1, 1000],
      [false, 1, 1000],
      [false, 1, 1000],
    ];
    expect(await run([...steps, LAST])).toEqual([[1, 1000]]);
  });
});

test.each([
  ["00:00:05", 5000],
  ["1:02.50", 62_500],
  ["2-03:04:05", 183_845_000],
])("the CPU time %s is %i ms", (text, expected) => {
  expect(parseCpuTime(text)).toBe(expected);
});

test("a program that this process has not started has no usage", () => {
  expect(findChild("no-such-program")).toBeUndefined();
});
