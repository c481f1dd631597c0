import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { createCall } from "../../../../src/domain/call.ts";
import {
  designFilter,
  historyLength,
  producedSamples,
  Resampler,
} from "../../../../src/tasks/audio/resample.ts";
import { rejectedApiError } from "../../../support/errors.ts";

interface Case {
  readonly from: number;
  readonly to: number;
  readonly samples: number;
  readonly expectedBase64: string;
}

const { cases }: { cases: Case[] } = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "audio", "resample.json"), "utf8"),
);

const { checkpoint } = createCall();

/** Both round one sum in float64 to FP32; the filters may differ in their last bit. */
const TOLERANCE = 1e-7;

/** The signal of `reference.py`. */
function noise(count: number): Float32Array {
  let state = 12_345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

describe.each(cases)("$samples samples from $from to $to Hz", async (one) => {
  const expected = new Float32Array(
    new Uint8Array(Buffer.from(one.expectedBase64, "base64")).buffer,
  );
  const filter = await designFilter(one.from, one.to, "inputs", checkpoint);
  const signal = noise(one.samples);

  test.each([Number.POSITIVE_INFINITY, 64, 7, 1])(
    "are what SciPy computes, %f at a time",
    (size) => {
      let resampler = new Resampler(filter);
      const output: number[] = [];
      for (let start = 0; start < signal.length; start += size) {
        output.push(...resampler.push(signal.subarray(start, start + size)));
        const { state } = resampler;
        expect(output).toHaveLength(producedSamples(filter, state.received));
        expect(state.history).toHaveLength(historyLength(filter, state.received));
        resampler = new Resampler(filter, state);
      }
      output.push(...resampler.finish());
      expect(output).toHaveLength(expected.length);
      const errors = output.map((value, index) =>
        Math.abs(value - (expected[index] ?? Number.NaN)),
      );
      expect(Math.max(...errors)).toBeLessThanOrEqual(TOLERANCE);
    },
  );
});

test("the history stays short, however long the signal is", async () => {
  for (const { from, to } of cases) {
    const filter = await designFilter(from, to, "inputs", checkpoint);
    for (const received of [1e3, 1e6, 2 ** 36])
      expect(historyLength(filter, received)).toBeLessThanOrEqual(filter.tapsPerPhase);
  }
});

test("rates without a common factor are refused where the filter would be too large", async () => {
  const error = await rejectedApiError(
    "invalid_input",
    designFilter(191_999, 16_000, "inputs[1]", checkpoint),
  );
  expect(error.message).toContain("inputs[1] has a rate of 191999 Hz");
});

test("the design of a large filter awaits checkpoints, and ends with the call", async () => {
  const gone = new Error("gone");
  let checkpoints = 0;
  const design = designFilter(49_999, 16_000, "inputs", async () => {
    checkpoints++;
    if (checkpoints === 20) throw gone;
  });
  await expect(design).rejects.toBe(gone);
  expect(checkpoints).toBe(20);
});
