import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { createCall } from "../../../../src/domain/call.ts";
import { createLogMel } from "../../../../src/tasks/audio/log-mel.ts";
import { parseWav } from "../../../../src/tasks/audio/wav.ts";

interface Case {
  readonly sound: {
    readonly recording?: string;
    readonly formula?: "silence" | "noise";
    readonly samples?: number;
    readonly first?: number;
    readonly count?: number;
    readonly gain?: number;
  };
  /** Of the window: filled up with zeros, or cut off. */
  readonly samples: number;
  readonly frames: number;
  /** Means of each frame and of each band, and all values of some frames: FP32 in base64. */
  readonly frameMeans: string;
  readonly bandMeans: string;
  readonly chosen: readonly number[];
  readonly values: string;
}

const read = (...path: string[]) => readFileSync(projectPath("test", "fixtures", ...path));
const { cases, tolerance }: { cases: Case[]; tolerance: number } = JSON.parse(
  read("speech", "log-mel.json").toString(),
);

const BINS = 80;
const SHAPE = { sampleRate: 16_000, frameSamples: 400, hopSamples: 160, bins: BINS };

function floats(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, "base64")).buffer);
}

function signalOf({ sound, samples }: Case): Float32Array {
  const window = new Float32Array(samples);
  window.set(soundOf(sound).subarray(0, samples));
  return window;
}

function soundOf({ recording, formula, samples = 0, ...part }: Case["sound"]): Float32Array {
  const { first = 0, count = Number.POSITIVE_INFINITY, gain = 1 } = part;
  if (recording !== undefined)
    return parseWav(read(recording), recording)
      .readMono(first, count)
      .map((sample) => sample * gain);
  return Float32Array.from({ length: samples }, (_, index) =>
    formula === "noise" ? noise(index) : 0,
  );
}

/** `recipes/log_mel_fixtures.py` */
function noise(index: number): number {
  const state = (BigInt(index) * 1_103_515_245n + 12_345n) % 2_147_483_648n;
  return Number(state) / 1_073_741_824 - 1;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The largest difference; NaN where a value is none. */
function difference(actual: readonly number[], expected: Float32Array): number {
  expect(actual.length).toBe(expected.length);
  return actual.reduce((most, value, index) => {
    const distance = Math.abs(value - (expected[index] as number));
    return Math.max(distance, most);
  }, 0);
}

describe.each(cases)("log-mel features of $sound in $samples samples", (one) => {
  const { frames, chosen } = one;
  const features = createLogMel(SHAPE).compute(signalOf(one), createCall().checkpoint);
  const bands = Array.from({ length: BINS }, (_, bin) => bin);

  test("are those of transformers' WhisperFeatureExtractor within 1e-4", async () => {
    const values = await features;
    expect(tolerance).toBe(1e-4);
    expect(values.length).toBe(BINS * frames);
    const at = (bin: number, frame: number) => values[bin * frames + frame] as number;
    const ofChosen = chosen.flatMap((frame) => bands.map((bin) => at(bin, frame)));
    expect(difference(ofChosen, floats(one.values))).toBeLessThan(tolerance);
    const frameMeans = Array.from({ length: frames }, (_, frame) =>
      mean(bands.map((bin) => at(bin, frame))),
    );
    expect(difference(frameMeans, floats(one.frameMeans))).toBeLessThan(tolerance);
    const bandMeans = bands.map((bin) =>
      mean([...values.subarray(bin * frames, (bin + 1) * frames)]),
    );
    expect(difference(bandMeans, floats(one.bandMeans))).toBeLessThan(tolerance);
  });
});

describe("a spectrogram of 15 seconds", () => {
  test("is computed in pieces, with checkpoints between them", async () => {
    let checkpoints = 0;
    const samples = Float32Array.from({ length: 15 * 16_000 }, (_, index) => noise(index));
    await createLogMel(SHAPE).compute(samples, async () => {
      checkpoints += 1;
    });
    expect(checkpoints).toBeGreaterThanOrEqual(10);
  });
});
