import { expect, test } from "vitest";
import { Trace } from "../../../src/domain/trace.ts";

/** A trace by a clock that is set by hand. */
function createTrace(): { trace: Trace; clock: { ms: number } } {
  const clock = { ms: 0 };
  return { trace: new Trace(() => clock.ms), clock };
}

test("the durations of work in the same phase are added up", () => {
  const { trace, clock } = createTrace();
  const result = trace.measure("decode", () => {
    clock.ms += 3;
    return "result";
  });
  trace.measure("decode", () => {
    clock.ms += 4;
  });
  expect(result).toBe("result");
  expect(trace.phasesMs).toEqual({ decode: 7 });
});

test("the duration of work that throws is measured", async () => {
  const { trace, clock } = createTrace();
  const fail = (): never => {
    clock.ms += 5;
    throw new Error("no");
  };
  expect(() => trace.measure("infer", fail)).toThrow("no");
  await expect(trace.measureAsync("load", async () => fail())).rejects.toThrow("no");
  expect(trace.phasesMs).toEqual({ infer: 5, load: 5 });
});

test("the duration of asynchronous work is measured until its promise settles", async () => {
  const { trace, clock } = createTrace();
  const { promise, resolve } = Promise.withResolvers<string>();
  const measured = trace.measureAsync("body", () => promise);
  clock.ms += 8;
  resolve("result");
  expect(await measured).toBe("result");
  expect(trace.phasesMs).toEqual({ body: 8 });
});
