import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import {
  frameCount,
  melSpectrogramBlock,
} from "../../../../src/domain/blocks/preprocess/mel-spectrogram.ts";
import { createMelSpectrogram } from "../../../../src/tasks/audio/mel-spectrogram.ts";
import { parseWav } from "../../../../src/tasks/audio/wav.ts";

/** Features that librosa and torchaudio have computed: recipes/mel_fixtures.py. */
interface Fixture {
  readonly recording: readonly string[];
  readonly first: number;
  readonly count: number;
  readonly cases: readonly {
    readonly name: string;
    readonly block: object;
    readonly shape: readonly [number, number];
    readonly values: string;
  }[];
}

const read = (...path: string[]) => readFileSync(projectPath("test", "fixtures", ...path));
const fixture: Fixture = JSON.parse(read("sounds", "mel.json").toString());
const samples = parseWav(read(...fixture.recording), "sound").readMono(
  fixture.first,
  fixture.count,
);
const blockOf = (fields: object) =>
  melSpectrogramBlock.schema.parse({
    type: "mel-spectrogram",
    version: 1,
    input: "features",
    ...fields,
  });
const never = async (): Promise<void> => {};

describe.each(fixture.cases)("$name", ({ block: fields, shape, values }) => {
  const block = blockOf(fields);

  test("is equal within 1e-4, and within 1e-4 of numbers above 1", async () => {
    const features = await createMelSpectrogram(block).compute(samples, never);
    expect([features.rows, features.frames]).toEqual(shape);
    expect(frameCount(block, samples.length)).toBe(features.frames);
    const expected = new Float32Array(Uint8Array.from(Buffer.from(values, "base64")).buffer);
    let worst = 0;
    for (const [at, value] of expected.entries()) {
      const difference = Math.abs((features.values[at] as number) - value);
      worst = Math.max(worst, difference / Math.max(1, Math.abs(value)));
    }
    expect(worst).toBeLessThan(1e-4);
  });
});

test("work is done in pieces", async () => {
  let checkpoints = 0;
  const minute = new Float32Array(60 * 16_000);
  const block = blockOf({ frameSamples: 512, hopSamples: 160, bins: 64 });
  await createMelSpectrogram(block).compute(minute, async () => {
    checkpoints += 1;
  });
  expect(checkpoints).toBeGreaterThan(20);
});

test("silence has finite features when they are normalized", async () => {
  const silence = new Float32Array(16_000);
  for (const normalizeBy of ["window", "row"]) {
    const { values } = await createMelSpectrogram(blockOf({ normalizeBy })).compute(silence, never);
    expect(values.every(Number.isFinite)).toBe(true);
  }
});
