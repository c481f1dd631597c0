import { expect, test } from "vitest";
import { ApiError } from "../../../../src/domain/errors.ts";
import { repeatSwap } from "../../../../src/registry/routing/repeat-swap.ts";
import { rejectedApiError } from "../../../support/errors.ts";

function optionsOf(waits: number[]) {
  return {
    wait: async (milliseconds: number) => void waits.push(milliseconds),
    conflict: (attempts: number, waitedMs: number) =>
      new ApiError("routing_conflict", `${attempts} attempts in ${Math.round(waitedMs / 1000)} s`),
  };
}

function sumOf(waits: readonly number[]): number {
  return waits.reduce((sum, each) => sum + each, 0);
}

test("a swap is repeated until no other writer comes first", async () => {
  const waits: number[] = [];
  const results = [undefined, undefined, "done", "too late"];
  expect(await repeatSwap(async () => results.shift(), optionsOf(waits))).toBe("done");
  expect(waits).toHaveLength(2);
});

test("a swap before which others come for ten seconds is refused, with the number of attempts", async () => {
  const waits: number[] = [];
  const error = await rejectedApiError(
    "routing_conflict",
    repeatSwap(async () => undefined, optionsOf(waits)),
  );
  expect(error.message).toMatch(new RegExp(`^${waits.length + 1} attempts in 1[01] s$`));
  expect(sumOf(waits)).toBeGreaterThanOrEqual(10_000);
  expect(sumOf(waits.slice(0, -1))).toBeLessThan(10_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
});

test("an error ends the repetition, unless it is repeatable", async () => {
  const failure = new ApiError("storage_failed", "no response");
  const attempts = [() => Promise.reject(failure), async () => "done"];
  const attempt = () => attempts.shift()?.() ?? Promise.resolve(undefined);
  const waits: number[] = [];
  expect(await rejectedApiError("storage_failed", repeatSwap(attempt, optionsOf(waits)))).toBe(
    failure,
  );
  expect(waits).toEqual([]);
  attempts.unshift(() => Promise.reject(failure));
  const options = { ...optionsOf(waits), isRepeatable: (error: unknown) => error === failure };
  expect(await repeatSwap(attempt, options)).toBe("done");
});

test("attempts end in time when storage does not answer", async () => {
  const waits: number[] = [];
  const clock = { ms: 0 };
  let attempts = 0;
  const hanging = async (): Promise<never> => {
    attempts += 1;
    clock.ms += 10_000;
    throw new ApiError("storage_failed", "no answer");
  };
  const options = { ...optionsOf(waits), now: () => clock.ms, isRepeatable: () => true };
  await rejectedApiError("storage_failed", repeatSwap(hanging, options));
  expect(attempts).toBe(2);
});
