import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../../src/domain/manifest.ts";
import { findModel } from "../../../support/publish.ts";

/** The manifest of whisper-tiny-en, with changes. */

type Fields = Record<string, unknown>;

const manifest = (): Fields => JSON.parse(JSON.stringify(findModel("whisper-tiny-en").manifest));

const withBlock = (side: "preprocess" | "postprocess", changes: Fields) => () =>
  parseManifest({ ...manifest(), [side]: { ...(manifest()[side] as Fields), ...changes } });

const withVoices = (changes: Fields) => {
  const { voiceActivity } = manifest().postprocess as { voiceActivity: Fields };
  return withBlock("postprocess", { voiceActivity: { ...voiceActivity, ...changes } });
};

/** Changes of the tensor at `index` of a model beside the main one. */
const withTensor =
  (model: string, side: "inputs" | "outputs", index: number, changes: Fields) => () => {
    const all = manifest();
    const models = all.models as Record<string, Record<string, Fields[]>>;
    const tensors = models[model]?.[side]?.map((spec, at) =>
      at === index ? { ...spec, ...changes } : spec,
    );
    return parseManifest({
      ...all,
      models: { ...models, [model]: { ...models[model], [side]: tensors } },
    });
  };

const vocabulary = 51_864;

describe("a manifest of speech recognition", () => {
  test("has the defaults of Whisper for what it leaves out", () => {
    const { type, version, input, windowSeconds } = manifest().preprocess as Fields;
    const parsed = parseManifest({
      ...manifest(),
      preprocess: { type, version, input, windowSeconds },
    });
    expect(parsed.preprocess).toMatchObject({
      sampleRate: 16_000,
      frameSamples: 400,
      hopSamples: 160,
      bins: 80,
      minWindowSeconds: 6,
      silenceSeconds: 2,
    });
    const { temperatures: _, ...postprocess } = manifest().postprocess as Fields;
    expect(parseManifest({ ...manifest(), postprocess }).postprocess).toMatchObject({
      temperatures: [0, 0.2, 0.4, 0.6, 0.8, 1],
      maxCompressionRatio: 2.4,
      minLogprob: -1,
      maxNoSpeech: 0.6,
    });
  });

  test.each<[string, () => unknown]>([
    [
      "an encoder of a fixed window",
      () => {
        const all = manifest();
        const models = all.models as Record<string, Record<string, Fields[]>>;
        const [spec] = models.encoder?.inputs ?? [];
        return parseManifest({
          ...all,
          models: {
            ...models,
            encoder: { ...models.encoder, inputs: [{ ...spec, shape: ["batch", 80, 3000] }] },
          },
          preprocess: { ...(all.preprocess as Fields), windowSeconds: 30, minWindowSeconds: 30 },
        });
      },
    ],
    [
      "a model without the token of no speech",
      withBlock("postprocess", { noSpeechTokenId: undefined }),
    ],
    ["another threshold of voices", withVoices({ threshold: 0.3 })],
  ])("with %s is valid", (_, parse) => {
    expect(parse()).toMatchObject({ name: "whisper-tiny-en" });
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      "fewer bins than the encoder reads",
      withBlock("preprocess", { bins: 128 }),
      /"input_features" must have the shape \[batch, 128, frames\].*→ at preprocess\.input/s,
    ],
    [
      "a window that is not that of the encoder",
      withTensor("encoder", "inputs", 0, { shape: ["batch", 80, 3000] }),
      /must be 30: the input takes 3000 frames\s+→ at preprocess\.windowSeconds/,
    ],
    [
      "a shortest window above the longest",
      withBlock("preprocess", { minWindowSeconds: 40 }),
      /must not be above windowSeconds.*→ at preprocess\.minWindowSeconds/s,
    ],
    [
      "more silence than half of a window",
      withBlock("preprocess", { windowSeconds: 12, silenceSeconds: 7 }),
      /must not be above half of windowSeconds/,
    ],
    [
      "features of integers",
      withTensor("encoder", "inputs", 0, { datatype: "INT64" }),
      /"input_features" must be FP32/,
    ],
    [
      "an unknown model of voices",
      withVoices({ model: "voices" }),
      /"voices" is not one of models/,
    ],
    [
      "an unknown output of voices",
      withVoices({ probabilities: "speech" }),
      /"speech" is not one of models\.voice-activity\.outputs/,
    ],
    [
      "windows of voices of another length",
      withVoices({ windowSamples: 256 }),
      /takes 576 samples, not 320\s+→ at postprocess\.voiceActivity\.windowSamples/,
    ],
    [
      "probabilities of integers",
      withTensor("voice-activity", "outputs", 0, { datatype: "INT32" }),
      /"speech_probs" must be FP32.*→ at postprocess\.voiceActivity\.probabilities/s,
    ],
    [
      "a token that the vocabulary does not have",
      withBlock("postprocess", { suppressTokenIds: [5, vocabulary] }),
      /51864 is no token: the vocabulary has 51864\s+→ at postprocess\.suppressTokenIds/,
    ],
    [
      "times outside the vocabulary",
      withBlock("postprocess", { firstTimestampTokenId: vocabulary }),
      /no token.*→ at postprocess\.firstTimestampTokenId/s,
    ],
    [
      "another task",
      () => parseManifest({ ...manifest(), task: "voice-activity-detection" }),
      /must be audio-windows for the task voice-activity-detection/,
    ],
  ])("with %s is refused", (_, parse, message) => {
    expect(parse).toThrow(message);
  });
});
