import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { type SegmentRule, SpeechSegmenter } from "../../../../src/tasks/audio/speech-segments.ts";

interface Case {
  readonly probabilities: readonly number[];
  readonly length: number;
  readonly parameters: {
    readonly threshold: number;
    readonly neg_threshold?: number;
    readonly min_speech_duration_ms: number;
    readonly min_silence_duration_ms: number;
    readonly speech_pad_ms: number;
  };
  readonly expected: readonly [start: number, end: number][];
}

const { cases }: { cases: Case[] } = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "audio", "segments.json"), "utf8"),
);
const SAMPLES_PER_MS = 16;

function ruleOf({ parameters }: Case): SegmentRule {
  const { threshold, neg_threshold } = parameters;
  return {
    windowSamples: 512,
    threshold,
    negThreshold: neg_threshold ?? Math.max(threshold - 0.15, 0.01),
    minSpeech: SAMPLES_PER_MS * parameters.min_speech_duration_ms,
    minSilence: SAMPLES_PER_MS * parameters.min_silence_duration_ms,
    pad: SAMPLES_PER_MS * parameters.speech_pad_ms,
  };
}

test("the cases have segments", () => {
  const found = cases.reduce((sum, { expected }) => sum + expected.length, 0);
  expect(found).toBeGreaterThan(50);
});

test.each(cases)(
  "case $# has the segments of silero-vad, as a whole and window by window",
  (one) => {
    const rule = ruleOf(one);
    const whole = new SpeechSegmenter(rule);
    for (const probability of one.probabilities) whole.push(probability);
    whole.finish(one.length);
    expect(whole.take().map(({ start, end }) => [start, end])).toEqual(one.expected);

    let stepwise = new SpeechSegmenter(rule);
    const segments = [];
    for (const probability of one.probabilities) {
      stepwise.push(probability);
      segments.push(...stepwise.take());
      stepwise = new SpeechSegmenter(rule, stepwise.state);
    }
    stepwise.finish(one.length);
    segments.push(...stepwise.take());
    expect(segments.map(({ start, end }) => [start, end])).toEqual(one.expected);
  },
);
