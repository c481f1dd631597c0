import {
  type MelSpectrogramBlock,
  melSpectrogramBlock,
} from "../../domain/blocks/preprocess/mel-spectrogram.ts";
import { type WaveformBlock, waveformBlock } from "../../domain/blocks/preprocess/waveform.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { TaskKind } from "../../domain/task-kinds.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import {
  cannotPropose,
  chooseOutput,
  isFloat,
  onlyInput,
  type ProposalInput,
  type ProposeTask,
} from "./proposal.ts";
import { probesOf, proposeClassification } from "./scores.ts";

const SAMPLE_RATE = 16_000;
/** Of recordings that are read as a whole, a second is enough to try the model. */
const PROBE_SAMPLES = 16_000;

/** Models of waveforms, and the Audio Spectrogram Transformer by its preprocessor_config.json. */
export const proposeAudioClassification: ProposeTask = async (task, input) => {
  const sounds = proposeSounds(task, input);
  const { labels, postprocess, notes } = await proposeClassification(
    task,
    input,
    probesOf([sounds.probe]),
  );
  const isMultiLabel = input.config.config?.problem_type === "multi_label_classification";
  const activation = isMultiLabel ? "sigmoid" : postprocess.activation;
  return {
    task,
    labels,
    preprocess: sounds.preprocess,
    postprocess: {
      type: "audio-classification",
      version: 1,
      scores: postprocess.scores,
      activation,
      aggregation: "mean",
    },
    files: [],
    notes: [
      ...sounds.notes,
      ...notes,
      ...(isMultiLabel ? ["several labels may be true, by config.json: scores get a sigmoid"] : []),
      "the scores of several windows are averaged",
    ],
  };
};

export const proposeAudioFeatureExtraction: ProposeTask = async (task, input) => {
  const { preprocess, notes } = proposeSounds(task, input);
  const output = chooseOutput(task, input, {
    fits: (spec) => isFloat(spec) && (spec.shape.length === 2 || spec.shape.length === 3),
    names: /embed|hidden|feature|vector|pool/i,
    needed: "vectors of shape [batch, dimensions] or [batch, frames, dimensions]",
  });
  const pooling = output.shape.length === 2 ? "none" : "mean";
  return {
    task,
    preprocess,
    postprocess: {
      type: "audio-embedding",
      version: 1,
      output: output.name,
      pooling,
      normalize: false,
      aggregation: "mean",
    },
    files: [],
    notes: [
      ...notes,
      `vectors are the output "${output.name}", pooling ${pooling}, by its shape, and not scaled to length 1`,
    ],
  };
};

interface Sounds {
  readonly preprocess: WaveformBlock | MelSpectrogramBlock;
  /** The input with sizes that the model can be tried with. */
  readonly probe: TensorSpec;
  readonly notes: readonly string[];
}

function proposeSounds(task: TaskKind, input: ProposalInput): Sounds {
  const spec = onlyInput(task, input);
  const { shape } = spec;
  const isWaveform =
    shape.length === 1 || shape.length === 2 || (shape.length === 3 && fixedSize(shape[1]) === 1);
  if (spec.datatype === "FP32" && isWaveform) return waveformOf(spec, input);
  if (spec.datatype === "FP32" && input.config.preprocessor?.feature_extractor_type === AST)
    return transformerOf(spec, input);
  throw cannotPropose(
    input,
    task,
    "nothing says how sounds become its input",
    "Models of waveforms have an FP32 input of shape [batch, samples]. For spectrograms send a manifest with preprocess (mel-spectrogram): docs/blocks/audio.md#mel-spectrogram.",
  );
}

function waveformOf(spec: TensorSpec, { config }: ProposalInput): Sounds {
  const { sampling_rate, do_normalize } = config.preprocessor ?? {};
  const sampleRate = sampling_rate ?? SAMPLE_RATE;
  const samples = fixedSize(spec.shape.at(-1));
  const isFixed = samples !== undefined;
  return {
    preprocess: waveformBlock.schema.parse({
      type: "waveform",
      version: 1,
      input: spec.name,
      sampleRate,
      ...(isFixed && { windowSeconds: samples / sampleRate }),
      // The receptive field of such models is some hundred samples.
      ...(!isFixed && { minSeconds: 1 }),
      ...(do_normalize === true && { normalize: "zero-mean-unit-variance" }),
    }),
    probe: {
      ...spec,
      shape: [...spec.shape.slice(0, -1), samples ?? Math.min(sampleRate, PROBE_SAMPLES)],
    },
    notes: [
      `audio of ${sampleRate} Hz, ${sampling_rate === undefined ? "guessed" : "by preprocessor_config.json"}`,
      isFixed
        ? `windows of ${samples} samples, by the input "${spec.name}"`
        : "recordings are read as a whole, of a second at least",
      do_normalize === true
        ? "samples of a window have a mean of 0 and a variance of 1, by preprocessor_config.json"
        : "samples are from -1 to 1",
    ],
  };
}

/** The feature extractor of the Audio Spectrogram Transformer. */
const AST = "ASTFeatureExtractor";
const AST_HOP = 160;
const AST_FRAME = 400;

/** As transformers' ASTFeatureExtractor computes features: Kaldi's filter banks, means and half deviations of AudioSet. */
function transformerOf(spec: TensorSpec, { config }: ProposalInput): Sounds {
  const {
    sampling_rate: sampleRate = SAMPLE_RATE,
    num_mel_bins: bins = 128,
    max_length: frames = 1024,
    mean = -4.2677393,
    std = 4.5689974,
    do_normalize = true,
  } = config.preprocessor ?? {};
  return {
    preprocess: melSpectrogramBlock.schema.parse({
      type: "mel-spectrogram",
      version: 1,
      input: spec.name,
      layout: "frames-first",
      sampleRate,
      windowSeconds: (AST_FRAME + (frames - 1) * AST_HOP) / sampleRate,
      fillLast: false,
      minSeconds: AST_FRAME / sampleRate,
      frameSamples: AST_FRAME,
      hopSamples: AST_HOP,
      fftSize: 512,
      window: "hann-symmetric",
      framing: "frames",
      removeOffset: true,
      preEmphasis: 0.97,
      bins,
      minHertz: 20,
      melScale: "htk",
      triangles: "mel",
      floor: 1.1920928955078125e-7,
      ...(do_normalize && { mean, deviation: 2 * std }),
    }),
    probe: {
      ...spec,
      shape: spec.shape.map((size, axis) => (axis === 1 ? frames : axis === 2 ? bins : size)),
    },
    notes: [
      `filter banks of ${bins} bins and ${frames} frames, as transformers' ASTFeatureExtractor computes them`,
    ],
  };
}
