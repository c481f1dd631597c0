import { expect, test } from "vitest";
import type { TaskKind } from "../../../src/domain/task-kinds.ts";
import { type TensorSpec, toBytes } from "../../../src/domain/tensor.ts";
import type { ProposalInput } from "../../../src/registry/proposals/proposal.ts";
import { propose } from "../../../src/registry/proposals/propose.ts";
import { rejectedApiError } from "../../support/errors.ts";

function proposed(
  task: TaskKind,
  input: TensorSpec["shape"],
  output: TensorSpec["shape"],
  config: ProposalInput["config"] = {},
) {
  const scores = Float32Array.of(-3, 2);
  return propose(task, {
    id: { name: "m", version: "1" },
    model: {
      inputs: [{ name: "x", datatype: "FP32", shape: input }],
      outputs: [{ name: "y", datatype: "FP32", shape: output }],
    },
    config,
    labels: undefined,
    context: undefined,
    probe: async () => [{ name: "y", datatype: "FP32", shape: [1, 2], data: toBytes(scores) }],
    vocabularySize: async () => undefined,
  } as unknown as ProposalInput);
}

test("classification of waveforms has the rate and the normalization of preprocessor_config.json", async () => {
  const found = await proposed("audio-classification", ["batch", "samples"], ["batch", 2], {
    preprocessor: { sampling_rate: 8000, do_normalize: true },
    config: { id2label: { "0": "no", "1": "yes" }, problem_type: "multi_label_classification" },
  } as ProposalInput["config"]);
  expect(found).toMatchObject({
    labels: ["no", "yes"],
    preprocess: {
      type: "waveform",
      input: "x",
      sampleRate: 8000,
      minSeconds: 1,
      normalize: "zero-mean-unit-variance",
    },
    postprocess: { type: "audio-classification", scores: "y", activation: "sigmoid" },
  });
  expect(found.notes.join("\n")).toContain("by preprocessor_config.json");
});

test("a fixed number of samples is a window, and scores of another sum get a softmax", async () => {
  const found = await proposed("audio-classification", [1, 15_600], [1, 2]);
  expect(found.preprocess).toMatchObject({ sampleRate: 16_000, windowSeconds: 0.975 });
  expect(found.postprocess).toMatchObject({ activation: "softmax", aggregation: "mean" });
});

test("the Audio Spectrogram Transformer has Kaldi's filter banks", async () => {
  const found = await proposed("audio-classification", ["batch", 1024, 128], ["batch", 2], {
    preprocessor: { feature_extractor_type: "ASTFeatureExtractor", num_mel_bins: 128 },
  } as ProposalInput["config"]);
  expect(found.preprocess).toMatchObject({
    type: "mel-spectrogram",
    layout: "frames-first",
    framing: "frames",
    bins: 128,
    deviation: 2 * 4.5689974,
  });
});

test("embeddings are pooled where they have frames", async () => {
  const found = await proposed("audio-feature-extraction", ["b", "s"], ["b", "f", 16]);
  expect(found.postprocess).toMatchObject({ type: "audio-embedding", pooling: "mean" });
});

test("spectrograms that nothing describes are refused with the block to send", async () => {
  const error = await rejectedApiError(
    "invalid_model",
    proposed("audio-classification", ["b", 64, 96], ["b", 2]),
  );
  expect(error.message).toContain("mel-spectrogram");
});
