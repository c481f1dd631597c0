import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Segment, SpeechSegmenter } from "../../../../src/tasks/audio/speech-segments.ts";
import { SpeechWindows } from "../../../../src/tasks/audio/speech-windows.ts";

const WINDOW = 512;
const SECOND = 16_000;

const RULE = {
  speech: {
    windowSamples: WINDOW,
    threshold: 0.5,
    negThreshold: 0.35,
    minSpeech: 0.25 * SECOND,
    minSilence: 0.1 * SECOND,
    pad: 0.2 * SECOND,
  },
  maxLength: 10 * SECOND,
  maxSilence: 3 * SECOND,
};

/** Probabilities of alternating silence and speech. @param seconds of silence, speech, silence, ... */
function alternate(...seconds: readonly number[]): number[] {
  return seconds.flatMap((length, index) =>
    Array.from({ length: Math.round((length * SECOND) / WINDOW) }, () => (index % 2 ? 0.9 : 0.05)),
  );
}

function windowsOf(probabilities: readonly number[], rule = RULE): Segment[] {
  const windows = new SpeechWindows(rule);
  const taken: Segment[] = [];
  for (const probability of probabilities) {
    windows.push(probability);
    taken.push(...windows.take());
  }
  windows.finish(probabilities.length * WINDOW);
  return [...taken, ...windows.take()];
}

/** Segments begin and end with a window of the model, and each length is rounded to one. */
const TOLERANCE = 0.06;

function seconds(windows: readonly Segment[]): number[][] {
  return windows.map(({ start, end }) => [start / SECOND, end / SECOND]);
}

function expectSeconds(actual: readonly Segment[], expected: readonly number[][]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, [start, end]] of seconds(actual).entries()) {
    expect(Math.abs((start as number) - (expected[index]?.[0] as number))).toBeLessThan(TOLERANCE);
    expect(Math.abs((end as number) - (expected[index]?.[1] as number))).toBeLessThan(TOLERANCE);
  }
}

describe("windows of speech", () => {
  test("are none of silence, of an empty recording and of clicks", () => {
    expect(windowsOf([])).toEqual([]);
    expect(windowsOf(alternate(30))).toEqual([]);
    expect(windowsOf(alternate(2, 0.2, 5, 0.1, 3))).toEqual([]);
  });

  test("have padding at both ends, within the recording", () => {
    expectSeconds(windowsOf(alternate(1, 2, 5)), [[0.8, 3.2]]);
    expectSeconds(windowsOf(alternate(0, 2)), [[0, 2]]);
    expectSeconds(windowsOf(alternate(0.1, 2, 0.1)), [[0, 2.2]]);
  });

  test("contain segments together that fit, and end at a long silence", () => {
    expectSeconds(windowsOf(alternate(1, 2, 1, 2, 1, 1, 4, 1, 2)), [
      [0.8, 8.2],
      [11.8, 13.2],
    ]);
  });

  test("end in the longest silence of their second half where segments do not fit", () => {
    expectSeconds(windowsOf(alternate(0, 3, 1.4, 2, 0.2, 2, 0.8, 4, 1)), [
      [0, 8.8],
      [9.2, 13.6],
    ]);
    expectSeconds(windowsOf(alternate(0, 5.5, 0.8, 1, 0.2, 6, 1)), [
      [0, 5.7],
      [6.1, 13.7],
    ]);
  });

  test("of speech without silence are cut where it is least probable", () => {
    const probabilities = alternate(0, 20);
    const at = Math.round((7 * SECOND) / WINDOW);
    probabilities.fill(0.55, at - 2, at + 3);
    expectSeconds(windowsOf(probabilities).slice(0, 1), [[0, 7]]);
  });

  test("are certain long before the end of a recording, and samples before them are not needed again", () => {
    const windows = new SpeechWindows(RULE);
    for (const probability of alternate(1, 3, 4)) windows.push(probability);
    expectSeconds(windows.take(), [[0.8, 4.2]]);
    expect(windows.position).toBeGreaterThan(7 * SECOND);
  });

  test("contain all speech, in order, without overlap, and fit the limit", () => {
    const length = fc.oneof(fc.double({ min: 0.03, max: 4 }), fc.double({ min: 0.03, max: 30 }));
    const noise = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 2000 });
    const recording = fc.oneof(
      noise,
      fc
        .array(
          length.map((value) => value || 0.1),
          { maxLength: 30 },
        )
        .map((parts) => alternate(...parts)),
    );
    fc.assert(
      fc.property(recording, (probabilities) => {
        const windows = windowsOf(probabilities);
        const samples = probabilities.length * WINDOW;
        let end = 0;
        for (const window of windows) {
          expect(window.start).toBeGreaterThanOrEqual(end);
          expect(window.end).toBeGreaterThan(window.start);
          expect(window.end).toBeLessThanOrEqual(samples);
          expect(window.end - window.start).toBeLessThanOrEqual(RULE.maxLength);
          end = window.end;
        }
        const segmenter = new SpeechSegmenter({ ...RULE.speech, pad: 0 });
        for (const probability of probabilities) segmenter.push(probability);
        segmenter.finish(samples);
        for (const speech of segmenter.take()) {
          let at = speech.start;
          for (const window of windows) if (window.start <= at && window.end > at) at = window.end;
          expect(at).toBeGreaterThanOrEqual(speech.end);
        }
      }),
      { numRuns: 300 },
    );
  });
});
