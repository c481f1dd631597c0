import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { parseAudio } from "../../../../src/tasks/audio/audio-file.ts";
import type { Wav } from "../../../../src/tasks/audio/wav.ts";
import { catchApiError } from "../../../support/errors.ts";

/** Compressed files, and what libsndfile reads of them: recipes/compressed_sound_fixtures.py. */
interface Case {
  readonly file: string;
  readonly sampleRate: number;
  readonly channels: number;
  readonly frames: number;
  readonly values: string;
}

const FOLDER = projectPath("test", "fixtures", "sounds");
const { step, cases }: { step: number; cases: Case[] } = JSON.parse(
  readFileSync(`${FOLDER}/files.json`, "utf8"),
);
const read = (name: string) => new Uint8Array(readFileSync(`${FOLDER}/files/${name}`));

function readAll(wav: Wav, piece: number): Float32Array {
  const samples = new Float32Array(wav.frames);
  for (let start = 0; start < wav.frames; start += piece)
    samples.set(wav.readMono(start, piece), start);
  return samples;
}

/** Of lossy codecs; FLAC is exact. */
const toleranceOf = (file: string): number => (file.endsWith(".flac") ? 1e-7 : 2e-4);

describe.each(cases)("$file", ({ file, sampleRate, channels, frames, values }) => {
  const bytes = read(file);

  test("has the samples that libsndfile reads, in pieces of any length", () => {
    const wav = parseAudio(bytes, "inputs");
    expect(wav).toMatchObject({ sampleRate, channels, frames });
    const expected = new Float32Array(Uint8Array.from(Buffer.from(values, "base64")).buffer);
    const samples = readAll(wav, 4096);
    let worst = 0;
    for (const [at, value] of expected.entries())
      worst = Math.max(worst, Math.abs((samples[at * step] as number) - value));
    expect(worst).toBeLessThan(toleranceOf(file));
    expect(readAll(wav, 1_000_000)).toEqual(samples);
    expect(wav.readMono(frames - 100, 200)).toEqual(samples.slice(frames - 100));
  });

  test.each([0.2, 0.5, 0.9])("is refused when it is cut at %d of its length", (share) => {
    const cut = bytes.subarray(0, Math.floor(bytes.length * share));
    const error = catchApiError("invalid_input", () => readAll(parseAudio(cut, "inputs"), 65_536));
    expect(error.message).toMatch(/^inputs cannot be read as .* file: .*(truncated|damaged|whole)/);
  });

  test("fails clearly or is read when bytes of it are changed", () => {
    let refused = 0;
    for (let at = 40; at < bytes.length; at += Math.floor(bytes.length / 40)) {
      const changed = bytes.slice();
      changed.fill(0x5a, at, at + 24);
      try {
        readAll(parseAudio(changed, "inputs"), 65_536);
      } catch (error) {
        expect((error as { code?: string }).code).toBe("invalid_input");
        refused += 1;
      }
    }
    if (!file.endsWith(".mp3")) expect(refused).toBeGreaterThan(20);
  });
});

test.each(cases)("an instance decodes $file again and again", ({ file }) => {
  const bytes = read(file);
  const first = readAll(parseAudio(bytes, "inputs"), 65_536);
  for (let round = 0; round < 100; round++) readAll(parseAudio(bytes, "inputs"), 1000).fill(0);
  expect(readAll(parseAudio(bytes, "inputs"), 65_536)).toEqual(first);
});
