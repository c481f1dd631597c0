import { beforeAll, expect, test } from "vitest";
import { sum } from "../../support/awkward-models.ts";
import { type HostClient, numeric } from "../../support/hosts.ts";
import { poll } from "../../support/poll.ts";
import { store } from "../../support/stored-model.ts";
import type { TestTaskState } from "../../workerd/isolates/test-task.ts";

const NAME = "test-task-streams";
/** A part that was begun when the client left, and one that crosses meanwhile. */
const PARTS_UNDER_WAY = 2;

/** Results in parts, clients that leave, and deadlines. */
export function testHostStreams(hostOf: () => HostClient): void {
  const count = (to: number, mode: string, more: object = {}) =>
    hostOf().execute({ name: NAME, inputs: to, parameters: { do: "count", mode }, ...more });
  const stateOf = (matches: (state: TestTaskState) => boolean): Promise<TestTaskState> =>
    poll(`state for which ${matches}`, async () => {
      const state = await hostOf().taskState(NAME);
      return matches(state) ? state : undefined;
    });

  beforeAll(async () => {
    await store(hostOf().service.bucket, NAME, { ...sum(1), name: `streams-${hostOf().name}` });
  });

  test("all parts of a stream come in their order", async () => {
    const { parts, error } = await count(500, "fast");
    expect([error, parts]).toEqual([
      undefined,
      Array.from({ length: 500 }, (_, index) => ({ count: index + 1 })),
    ]);
  });

  test("a part comes when it is computed, and the next one is not computed before it is requested", async () => {
    const before = await stateOf(() => true);
    const reading = count(2, "stepwise", { take: 1 });
    await stateOf(({ waiting }) => waiting === 1);
    await hostOf().value({ name: NAME, parameters: { do: "step" } });
    expect((await reading).parts).toEqual([{ count: 1 }]);
    const after = await stateOf(({ ended }) => ended === before.ended + 1);
    expect(after).toMatchObject({ computed: before.computed + 1, waiting: 0 });
  });

  test("a reader that stops ends the work within a part", async () => {
    const before = await stateOf(() => true);
    const { parts } = await count(0, "endless", { take: 3 });
    expect(parts).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }]);
    const { computed } = await stateOf(({ ended }) => ended === before.ended + 1);
    expect(computed - before.computed).toBeLessThanOrEqual(3 + PARTS_UNDER_WAY);
  });

  test("a reader that stops before the first part ends the work", async () => {
    const before = await stateOf(() => true);
    const { parts } = await count(0, "endless", { take: 0 });
    expect(parts).toEqual([]);
    const { computed } = await stateOf(() => true);
    expect(computed - before.computed).toBeLessThanOrEqual(PARTS_UNDER_WAY);
  });

  test("an error in the middle of a stream comes after the parts before it", async () => {
    const { parts, error } = await count(3, "failing");
    expect(parts).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }]);
    expect(error).toEqual({
      code: "inference_failed",
      message: "The count has failed.",
      details: { to: 3 },
    });
  });

  test("a client that leaves in the middle of a stream ends the work", async () => {
    const before = await stateOf(() => true);
    const { error } = await count(0, "endless", { abortAfter: 5 });
    expect(error).toMatchObject({ code: "client_closed_request" });
    await stateOf(({ ended }) => ended === before.ended + 1);
  });

  test("a client that leaves between two runs ends the work within a run", async () => {
    const { error } = await hostOf().execute({
      name: NAME,
      inputs: 100_000_000,
      parameters: { do: "run" },
      abortAfter: 5,
    });
    expect(error).toEqual({
      code: "client_closed_request",
      message: "The client closed the connection.",
    });
    const { runs } = await stateOf(() => true);
    await hostOf().value({ name: NAME, inputs: 2, parameters: { do: "run" } });
    expect(await stateOf(() => true)).toMatchObject({ runs: runs + 2 });
  });

  test("a client that left before ends the work before its second run", async () => {
    const { runs } = await stateOf(() => true);
    const { error } = await hostOf().execute({
      name: NAME,
      inputs: 1000,
      parameters: { do: "run" },
      isAborted: true,
    });
    expect(error).toMatchObject({ code: "client_closed_request" });
    expect((await stateOf(() => true)).runs - runs).toBeLessThanOrEqual(1);
  });

  test("a call whose deadline has passed makes no run", async () => {
    const { runs } = await stateOf(() => true);
    const late = { name: NAME, isLate: true };
    const executed = await hostOf().execute({ ...late, inputs: 3, parameters: { do: "run" } });
    const inferred = await hostOf().infer({ ...late, tensors: [numeric("x", "FP32", [1], [1])] });
    for (const { error } of [executed, inferred]) {
      expect(error).toMatchObject({ code: "deadline_exceeded", details: { retryAfterSeconds: 1 } });
      expect(error?.message).toMatch(
        /^The request's timeout of 1 ms passed after \d+ ms. Try again in 1 s.$/,
      );
    }
    expect(await stateOf(() => true)).toMatchObject({ runs });
  });

  test("the deadline ends runs and streams that are under way", async () => {
    const before = await stateOf(() => true);
    const timeoutMs = 60;
    const parameters = { do: "run" };
    const runs = await hostOf().execute({ name: NAME, inputs: 1e8, parameters, timeoutMs });
    const stream = await count(0, "endless", { timeoutMs });
    for (const { error } of [runs, stream]) {
      expect(error).toMatchObject({ code: "deadline_exceeded" });
      expect(error?.message).toMatch(/^The request's timeout of 60 ms passed after \d+ ms/);
    }
    expect(stream.parts?.[0]).toEqual({ count: 1 });
    await stateOf(({ ended }) => ended === before.ended + 1);
  });
}
