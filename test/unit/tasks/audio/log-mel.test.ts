import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { createCall } from "../../../../src/domain/call.ts";
import { createLogMel } from "../../../../src/tasks/audio/log-mel.ts";
import { parseWav } from "../../../../src/tasks/audio/wav.ts";

interface Case {
  readonly name: string;
  readonly samples: number;
  readonly length: number;
  readonly frames: number;
  readonly means: readonly number[];
  readonly every5thFrameBase64: string;
}

const folder = (name: string) => projectPath("test", "fixtures", "audio", name);
const cases: Case[] = JSON.parse(readFileSync(folder("log-mel.json"), "utf8"));

const BINS = 80;
const STEP = 5;
const SHAPE = { sampleRate: 16_000, frameSamples: 400, hopSamples: 160, bins: BINS };

/** NumPy rounds spectra to FP32 before their logarithms are taken. */
const TOLERANCE = 1e-4;

/** The signal of `log_mel.py`. */
function noise(count: number): Float32Array {
  let state = 12_345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function signalOf({ name, samples, length }: Case): Float32Array {
  const wav = parseWav(readFileSync(folder("two-sentences-16k.wav")), "inputs");
  const signal = name.startsWith("noise") ? noise(samples) : wav.readMono(0, samples);
  const padded = new Float32Array(length);
  padded.set(signal.subarray(0, samples));
  return padded;
}

describe.each(cases)("log-mel features of $name", (one) => {
  const features = createLogMel(SHAPE).compute(signalOf(one), createCall().checkpoint);

  test("are those of transformers' WhisperFeatureExtractor within 1e-4", async () => {
    const values = await features;
    expect(values.length).toBe(BINS * one.frames);
    const expected = new Float32Array(
      new Uint8Array(Buffer.from(one.every5thFrameBase64, "base64")).buffer,
    );
    const columns = Math.ceil(one.frames / STEP);
    expect(expected.length).toBe(BINS * columns);
    let largest = 0;
    for (let bin = 0; bin < BINS; bin++)
      for (let column = 0; column < columns; column++) {
        const value = values[bin * one.frames + column * STEP] as number;
        const difference = Math.abs(value - (expected[bin * columns + column] as number));
        // NaN is no smaller than the tolerance either.
        if (!(difference <= largest)) largest = difference;
      }
    expect(largest).toBeLessThan(TOLERANCE);
  });

  test("have the same mean in each bin", async () => {
    const values = await features;
    for (let bin = 0; bin < BINS; bin++) {
      const row = values.subarray(bin * one.frames, (bin + 1) * one.frames);
      const mean = row.reduce((sum, value) => sum + value, 0) / one.frames;
      expect(Math.abs(mean - (one.means[bin] as number))).toBeLessThan(TOLERANCE);
    }
  });
});

describe("a spectrogram of 15 seconds", () => {
  test("is computed in pieces, with checkpoints between them", async () => {
    let checkpoints = 0;
    await createLogMel(SHAPE).compute(noise(15 * 16_000), async () => {
      checkpoints += 1;
    });
    expect(checkpoints).toBeGreaterThanOrEqual(10);
  });
});
