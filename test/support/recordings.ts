import { readFileSync } from "node:fs";
import wavefile from "wavefile";
import { projectPath } from "../../scripts/project.ts";

/** Spoken sentences of `test/fixtures/speech`, and what is made of them. */

export const SAMPLE_RATE = 16_000;

export function readRecording(...path: string[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(readFileSync(projectPath("test", "fixtures", ...path)));
}

/** A sentence of `test/fixtures/speech`, at 16 kHz, between -1 and 1. */
export function readSentence(name: string): Float32Array {
  const file = new wavefile.WaveFile(readRecording("speech", `${name}.wav`));
  file.toSampleRate(SAMPLE_RATE);
  file.toBitDepth("32f");
  return Float32Array.from(file.getSamples(false, Float64Array) as unknown as Float64Array);
}

export function silence(seconds: number): Float32Array {
  return new Float32Array(Math.round(seconds * SAMPLE_RATE));
}

/** @param at of a time in seconds */
export function sound(seconds: number, at: (time: number) => number): Float32Array {
  return silence(seconds).map((_, index) => at(index / SAMPLE_RATE));
}

export function join(...parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** A WAV file of 16 bits. @param channels of the same signal */
export function toWav(
  samples: Float32Array,
  rate = SAMPLE_RATE,
  channels = 1,
): Uint8Array<ArrayBuffer> {
  const file = new wavefile.WaveFile();
  const integers = Int16Array.from(samples, (value) =>
    Math.round(32_767 * Math.max(-1, Math.min(1, value))),
  );
  const all = channels === 1 ? integers : Array.from({ length: channels }, () => integers);
  file.fromScratch(channels, SAMPLE_RATE, "16", all as Int16Array);
  if (rate !== SAMPLE_RATE) file.toSampleRate(rate);
  return Uint8Array.from(file.toBuffer());
}

/** Words in lower case, without punctuation. */
export function words(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9' ]+/g, " ")
    .split(" ")
    .filter((word) => word !== "");
}

/** Words that are substituted, left out or added, by the fewest edits. */
export function wordErrors(actual: readonly string[], expected: readonly string[]): number {
  let row = Array.from({ length: actual.length + 1 }, (_, index) => index);
  for (const [line, word] of expected.entries()) {
    const next = [line + 1];
    for (const [index, other] of actual.entries())
      next.push(
        Math.min(
          (next[index] as number) + 1,
          (row[index + 1] as number) + 1,
          (row[index] as number) + (word === other ? 0 : 1),
        ),
      );
    row = next;
  }
  return row.at(-1) as number;
}
