import { describe, expect, test } from "vitest";
import { Media } from "../../../../src/domain/media.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { join, sound, toWav } from "../../../support/recordings.ts";
import { hear, type SoundModel, type SoundRun } from "../../../support/sound-task.ts";

const LABELS = ["low", "high", "loud"];

/** Three scores of a window, whose level is constant: the level, 1 - level, and twice the level. */
const scores = ({ shape, values }: SoundRun) => {
  const [batch = 1] = shape;
  const size = values.length / batch;
  const rows = Array.from({ length: batch }, (_, row) => {
    const level = values[(row + 0.25) * size] ?? 0;
    return [level, 1 - level, 2 * level];
  });
  return { shape: [batch, 3], values: rows.flat() };
};

const model = (changes: Partial<SoundModel> = {}, block: object = {}): SoundModel => ({
  task: "audio-classification",
  input: ["batch", 16_000],
  output: ["batch", 3],
  labels: LABELS,
  preprocess: { type: "waveform", version: 1, input: "x", windowSeconds: 1, ...block },
  postprocess: { type: "audio-classification", version: 1, scores: "y", activation: "none" },
  ...changes,
});

/** Seconds of constant levels that 16 bits hold exactly enough. */
const levels = (...seconds: number[]) =>
  new Media("audio/wav", toWav(join(...seconds.map((level) => sound(1, () => level)))));

const asScores = (value: unknown): Record<string, number> =>
  Object.fromEntries(
    (value as { label: string; score: number }[]).map(({ label, score }) => [label, score]),
  );

describe("a recording of several windows", () => {
  test("has the means of their scores, best first", async () => {
    const { value, runs } = await hear(model(), levels(0.25, 0.5, 0), {}, scores);
    expect(asScores(value)).toEqual({
      high: expect.closeTo(0.75, 4),
      loud: expect.closeTo(0.5, 4),
      low: expect.closeTo(0.25, 4),
    });
    expect((value as { label: string }[]).map(({ label }) => label)).toEqual([
      "high",
      "loud",
      "low",
    ]);
    expect(runs.map(({ shape }) => shape)).toEqual([[3, 16_000]]);
  });

  test("has the largest scores on request, and no more labels than that", async () => {
    const parameters = { aggregation: "max", top_k: 1 };
    const { value } = await hear(model(), levels(0.25, 0.5, 0), parameters, scores);
    expect(asScores(value)).toEqual({ high: expect.closeTo(1, 4) });
  });

  test("has the labels of each window with timestamps", async () => {
    const parameters = { timestamps: true, top_k: 1 };
    const sounds = new Media("audio/wav", toWav(sound(2.5, (time) => (time < 1 ? 0 : 0.5))));
    const { value } = await hear(model({}, { hopSeconds: 0.5 }), sounds, parameters, scores);
    expect(value).toEqual([
      { start: 0, end: 1, labels: [{ label: "high", score: 1 }] },
      { start: 0.5, end: 1.5, labels: [{ label: "high", score: 1 }] },
      { start: 1, end: 2, labels: [{ label: "loud", score: expect.closeTo(1, 4) }] },
      { start: 1.5, end: 2.5, labels: [{ label: "loud", score: expect.closeTo(1, 4) }] },
    ]);
  });

  test("is filled with silence where the last window is not full", async () => {
    const sounds = new Media("audio/wav", toWav(sound(1.25, () => 0.5)));
    const { value, runs } = await hear(model(), sounds, { timestamps: true }, scores);
    expect(value).toMatchObject([
      { start: 0, end: 1 },
      { start: 1, end: 1.25 },
    ]);
    const second = runs[0]?.values.subarray(16_000);
    expect(second?.subarray(0, 4000).every((value) => value > 0.49)).toBe(true);
    expect(second?.subarray(4000).every((value) => value === 0)).toBe(true);
  });

  test("may have gaps between them, and another rate", async () => {
    const sounds = new Media(
      "audio/wav",
      toWav(
        sound(4, (time) => (time < 2 ? 0 : 0.5)),
        8000,
      ),
    );
    const gaps = model({}, { windowSeconds: 1, hopSeconds: 2 });
    const { value } = await hear(gaps, sounds, { timestamps: true, top_k: 1 }, scores);
    expect(value).toMatchObject([
      { start: 0, end: 1, labels: [{ label: "high" }] },
      { start: 2, end: 3, labels: [{ label: "loud" }] },
    ]);
  });
});

test("several recordings are answered in their order", async () => {
  const { value } = await hear(model(), [levels(0.25), levels(0.5, 0.5)], { top_k: 1 }, scores);
  expect(value).toMatchObject([[{ label: "high" }], [{ label: "loud" }]]);
});

test("a model of whole recordings reads each in a run of its own, with silence to the least length", async () => {
  const whole = model(
    { input: ["batch", "samples"] },
    { windowSeconds: undefined, minSeconds: 0.5 },
  );
  const short = new Media("audio/wav", toWav(sound(0.25, () => 0.5)));
  const { runs } = await hear(whole, [levels(0.25, 0.5), short], {}, scores);
  expect(runs.map(({ shape }) => shape)).toEqual([
    [1, 32_000],
    [1, 8000],
  ]);
});

test("a model without a batch has the mean of its frames", async () => {
  const single = model({ input: ["samples"], output: ["frames", 3] }, { windowSeconds: undefined });
  const frames = () => ({ shape: [2, 3], values: [0, 0.5, 1, 1, 0.5, 0.5] });
  const { value, runs } = await hear(single, levels(0.5), {}, frames);
  expect(asScores(value)).toEqual({ loud: 0.75, low: 0.5, high: 0.5 });
  expect(runs.map(({ shape }) => shape)).toEqual([[16_000]]);
});

test("softmax and sigmoid are applied to each window", async () => {
  const output = () => ({ shape: [1, 3], values: [0, Math.log(3), Math.log(4)] });
  const logits = (activation: string) =>
    model({
      postprocess: { type: "audio-classification", version: 1, scores: "y", activation },
    });
  const soft = await hear(logits("softmax"), levels(0), {}, output);
  expect(asScores(soft.value)).toEqual({
    loud: expect.closeTo(0.5, 6),
    high: expect.closeTo(0.375, 6),
    low: expect.closeTo(0.125, 6),
  });
  const own = await hear(logits("softmax"), levels(0), { function_to_apply: "sigmoid" }, output);
  expect(asScores(own.value)).toEqual({
    loud: expect.closeTo(0.8, 6),
    high: expect.closeTo(0.75, 6),
    low: 0.5,
  });
});

describe("embeddings", () => {
  const embedding = model({
    task: "audio-feature-extraction",
    output: ["batch", "frames", 2],
    postprocess: { type: "audio-embedding", version: 1, output: "y" },
  });
  const output = ({ shape: [batch = 1] }: SoundRun) => ({
    shape: [batch, 2, 2],
    values: Array.from({ length: batch }, (_, row) => [3 + row, 0, 3 + row, 8]).flat(),
  });

  test("are the means of frames and windows, scaled on request", async () => {
    expect((await hear(embedding, levels(0, 0, 0), {}, output)).value).toEqual([4, 4]);
    const { value } = await hear(embedding, levels(0), { normalize: true }, output);
    expect(value).toEqual([0.6, 0.8]);
  });

  test("are one for each window with timestamps", async () => {
    const { value } = await hear(embedding, levels(0, 0), { timestamps: true }, output);
    expect(value).toEqual([
      { start: 0, end: 1, embedding: [3, 4] },
      { start: 1, end: 2, embedding: [4, 4] },
    ]);
  });
});

test("spectrograms have the frames that the input takes, and the order of its dimensions", async () => {
  const block = {
    type: "mel-spectrogram",
    version: 1,
    input: "x",
    layout: "frames-first",
    windowSeconds: 1,
    bins: 4,
    logarithm: "none",
    padFrames: 7,
  };
  const spectrograms = model({ input: ["batch", 1, 103, 4], preprocess: block });
  const { runs } = await hear(spectrograms, levels(0, 0), {}, ({ shape: [batch = 1] }) => ({
    shape: [batch, 3],
    values: new Array(batch * 3).fill(0),
  }));
  const [run] = runs;
  expect(run?.shape).toEqual([2, 1, 103, 4]);
  expect(run?.values.subarray(0, 101 * 4).every((value) => value === 0)).toBe(true);
  expect(Array.from(run?.values.subarray(101 * 4, 103 * 4) ?? [])).toEqual(new Array(8).fill(7));
});

describe("refused is", () => {
  const refused = (
    changes: SoundModel,
    inputs: unknown,
    parameters: object,
    code = "invalid_request",
  ) => rejectedApiError(code as never, hear(changes, inputs, parameters as never, scores));

  test("a function that cannot be computed from scores", async () => {
    const error = await refused(model(), levels(0), { function_to_apply: "softmax" });
    expect(error.message).toContain("function_to_apply cannot be softmax");
  });

  test("an answer with too many labels of windows", async () => {
    const labels = Array.from({ length: 200 }, (_, index) => String(index));
    const many = model({ output: ["batch", 200], labels }, { hopSeconds: 0.05, maxSeconds: 30 });
    const error = await refused(many, levels(...new Array(30).fill(0)), { timestamps: true });
    expect(error.message).toContain('200 labels for each of 581 windows: send "top_k" of 172');
  });

  test("a recording that is longer than the model takes at once", async () => {
    const whole = model(
      { input: ["batch", "samples"] },
      { windowSeconds: undefined, sampleRate: 384_000, maxSeconds: 60 },
    );
    const error = await refused(whole, levels(...new Array(30).fill(0)), {}, "invalid_input");
    expect(error.message).toContain("samples at the model's rate");
  });

  test("NaN that the model returns", async () => {
    const broken = hear(model(), levels(0), {}, () => ({
      shape: [1, 3],
      values: [0, Number.NaN, 1],
    }));
    expect((await rejectedApiError("inference_failed", broken)).message).toContain('"y"');
  });
});
