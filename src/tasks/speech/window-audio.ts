import type { LogMelBlock } from "../../domain/blocks/preprocess/log-mel.ts";
import type { NumericTensor } from "../../domain/tensor.ts";
import { toBytes } from "../../domain/tensor.ts";

type WindowBlock = Pick<
  LogMelBlock,
  "sampleRate" | "hopSamples" | "windowSeconds" | "minWindowSeconds" | "silenceSeconds"
>;

/** Samples of speech that fit a window. */
export function maxSpeechSamples(block: WindowBlock): number {
  return Math.floor((block.windowSeconds - block.silenceSeconds) * block.sampleRate);
}

/**
 * A window's speech with silence after it, in whole seconds: engines keep a plan of the memory for each length that they have
 * seen.
 */
export function padWindow(samples: Float32Array, block: WindowBlock): Float32Array {
  const { sampleRate, windowSeconds, minWindowSeconds, silenceSeconds } = block;
  const wanted = Math.ceil(samples.length / sampleRate + silenceSeconds);
  const seconds = Math.min(windowSeconds, Math.max(minWindowSeconds, wanted));
  const padded = new Float32Array(Math.round(seconds * sampleRate));
  padded.set(samples.subarray(0, padded.length));
  return padded;
}

/** @param features rows of the bins */
export function toFeatureTensor(
  { input, bins }: Pick<LogMelBlock, "input" | "bins">,
  features: Float32Array,
): NumericTensor {
  const shape = [1, bins, features.length / bins];
  return { name: input, datatype: "FP32", shape, data: toBytes(features) };
}
