import type { Manifest } from "../manifest.ts";

/** Features of inputs that are no tensors: a text, a picture or a recording. */
export const TEXT_FEATURE = "text";
export const IMAGE_FEATURE = "image";
export const AUDIO_FEATURE = "audio";
export type InputKind = typeof TEXT_FEATURE | typeof IMAGE_FEATURE | typeof AUDIO_FEATURE;

/** What a preprocess block takes, where that is not what the model gets. */
const KINDS: Readonly<Record<string, InputKind>> = {
  "character-ngrams": TEXT_FEATURE,
  tokenizer: TEXT_FEATURE,
  text: TEXT_FEATURE,
  prompt: TEXT_FEATURE,
  "source-text": TEXT_FEATURE,
  image: IMAGE_FEATURE,
  "audio-windows": AUDIO_FEATURE,
  waveform: AUDIO_FEATURE,
  "mel-spectrogram": AUDIO_FEATURE,
  "log-mel": AUDIO_FEATURE,
};

/** @returns `undefined` of a task whose rows are what its model gets, and without a task */
export function inputKindOf({ preprocess }: Pick<Manifest, "preprocess">): InputKind | undefined {
  return preprocess && KINDS[preprocess.type];
}
