import { expect, test } from "vitest";
import { soundManifest } from "../../../support/sound-task.ts";

const WAVEFORM = { type: "waveform", version: 1, input: "x" };
const MEL = { type: "mel-spectrogram", version: 1, input: "x", bins: 40 };
const SCORES = { type: "audio-classification", version: 1, scores: "y", activation: "softmax" };

interface Case {
  readonly block: object;
  readonly input: readonly (string | number)[];
  readonly output?: readonly (string | number)[];
  readonly postprocess?: object;
  readonly task?: string;
  readonly labels?: readonly string[];
}

const parse = ({ block, input, output = ["batch", 2], postprocess = SCORES, ...rest }: Case) =>
  soundManifest({
    task: "audio-classification",
    labels: ["a", "b"],
    ...rest,
    input,
    output,
    preprocess: block,
    postprocess,
  });

test.each<[string, Case]>([
  ["a waveform of any length", { block: WAVEFORM, input: ["batch", "samples"] }],
  ["a waveform with a channel", { block: WAVEFORM, input: ["batch", 1, "samples"] }],
  ["a waveform without a batch", { block: WAVEFORM, input: ["samples"], output: ["frames", 2] }],
  [
    "a window of the input's size",
    { block: { ...WAVEFORM, windowSeconds: 0.5 }, input: [1, 8000] },
  ],
  [
    "a spectrogram of any length",
    { block: { ...MEL, minSeconds: 1 }, input: ["batch", 40, "frames"] },
  ],
  [
    "frames first, with a channel",
    { block: { ...MEL, layout: "frames-first", windowSeconds: 1 }, input: [1, 1, 101, 40] },
  ],
])("a manifest with %s is accepted", (_, each) => {
  expect(parse(each).preprocess).toMatchObject(each.block);
});

test.each<[string, Case, RegExp]>([
  [
    "another size than the input's",
    { block: { ...WAVEFORM, windowSeconds: 1 }, input: [1, 8000] },
    /must be 0\.5: "x" takes 8000 samples/,
  ],
  [
    "a hop without windows",
    { block: { ...WAVEFORM, hopSeconds: 1 }, input: ["b", "s"] },
    /no effect without windowSeconds/,
  ],
  [
    "too many windows",
    { block: { ...WAVEFORM, windowSeconds: 0.02 }, input: ["b", "s"] },
    /a request may have 4096 windows/,
  ],
  [
    "another number of bins",
    { block: { ...MEL, minSeconds: 1 }, input: ["b", 80, "f"] },
    /must have the shape \[batch, 40, frames\]/,
  ],
  [
    "frames without windows",
    { block: { ...MEL, minSeconds: 1 }, input: ["b", 40, 100] },
    /is needed: "x" takes 100 frames/,
  ],
  [
    "a window shorter than a frame",
    { block: { ...MEL, windowSeconds: 0.01, maxSeconds: 1 }, input: ["b", 40, "f"] },
    /must be at least/,
  ],
  [
    "a transform shorter than a frame",
    { block: { ...MEL, minSeconds: 1, fftSize: 256 }, input: ["b", 40, "f"] },
    /not be below frameSamples/,
  ],
  [
    "a transform of a large prime",
    { block: { ...MEL, minSeconds: 1, fftSize: 8191 }, input: ["b", 40, "f"] },
    /no prime factor above 61/,
  ],
  [
    "bins beyond half of the rate",
    { block: { ...MEL, minSeconds: 1, maxHertz: 9000 }, input: ["b", 40, "f"] },
    /half of sampleRate/,
  ],
  [
    "more coefficients than bins",
    { block: { ...MEL, minSeconds: 1, coefficients: 41 }, input: ["b", 41, "f"] },
    /not be above bins/,
  ],
  [
    "a logarithm of silence",
    { block: { ...MEL, minSeconds: 1, floor: 0 }, input: ["b", 40, "f"] },
    /must be above 0/,
  ],
  [
    "means of other rows",
    { block: { ...MEL, minSeconds: 1, mean: [1, 2] }, input: ["b", 40, "f"] },
    /must have 40 numbers/,
  ],
  [
    "a deviation of 0",
    { block: { ...MEL, minSeconds: 1, deviation: 0 }, input: ["b", 40, "f"] },
    /must not be 0/,
  ],
  [
    "decibels of a natural logarithm",
    { block: { ...MEL, minSeconds: 1, topDecibels: 80 }, input: ["b", 40, "f"] },
    /logarithm is not decibel/,
  ],
  [
    "other labels",
    { block: WAVEFORM, input: ["b", "s"], labels: ["a"] },
    /one label for each value of "y"; it has 1/,
  ],
  [
    "no labels",
    { block: WAVEFORM, input: ["b", "s"], labels: [] },
    /audio-classification needs labels/,
  ],
  [
    "frames that are not pooled",
    {
      block: WAVEFORM,
      input: ["b", "s"],
      task: "audio-feature-extraction",
      output: ["b", "f", 8],
      postprocess: { type: "audio-embedding", version: 1, output: "y", pooling: "none" },
    },
    /must be mean or first/,
  ],
])("a manifest with %s is refused", (_, each, message) => {
  expect(() => parse(each)).toThrow(message);
});
