import {
  frameCount,
  type MelSpectrogramBlock,
  rowCount,
} from "../../domain/blocks/preprocess/mel-spectrogram.ts";
import type { Call } from "../../domain/call.ts";
import { primeFactors } from "../../shared/prime-factors.ts";
import { createCosineTransform } from "./cosine-transform.ts";
import { createMelFilters } from "./mel-filters.ts";
import { normalizeFeatures } from "./normalize-features.ts";
import { createSpectrum } from "./spectrum.ts";

type FrontEnd = Omit<MelSpectrogramBlock, "type" | "version" | "input" | "layout" | "padFrames">;

/** Features of a window: `rows` rows of `frames` numbers. */
export interface Features {
  readonly rows: number;
  readonly frames: number;
  readonly values: Float32Array;
}

/** Computes features of windows; its working memory is used again. */
export interface MelSpectrogram {
  /** @param checkpoint awaited between two pieces of work */
  compute(samples: Float32Array, checkpoint: Call["checkpoint"]): Promise<Features>;
}

/** Multiplications between two checkpoints: a few milliseconds. */
const WORK_PER_STEP = 2_000_000;

/**
 * Mel spectrograms and MFCC as librosa's `melspectrogram`, `power_to_db` and `mfcc`, torchaudio's `MelSpectrogram`, `MFCC` and
 * `compliance.kaldi`, and TensorFlow's `tf.signal` compute them.
 */
export function createMelSpectrogram(block: FrontEnd): MelSpectrogram {
  const { bins, coefficients, frameSamples, fftSize = frameSamples } = block;
  const spectrum = createSpectrum(block);
  const { sampleRate, minHertz, maxHertz = sampleRate / 2, melScale, triangles, melNorm } = block;
  const filters = createMelFilters({
    count: bins,
    bins: spectrum.bins,
    sampleRate,
    minHertz,
    maxHertz,
    melScale,
    triangles,
    melNorm,
  });
  const cosines =
    coefficients === undefined
      ? undefined
      : createCosineTransform(bins, coefficients, block.lifter);
  const weights = filters.reduce((sum, filter) => sum + filter.weights.length, 0);
  const factors = primeFactors(fftSize).reduce((sum, factor) => sum + factor, 0);
  const workPerPair = 2 * (2 * fftSize * factors + weights + bins * (30 + (coefficients ?? 0)));
  const pairsPerStep = Math.max(1, Math.floor(WORK_PER_STEP / workPerPair));
  const logarithm = logarithmOf(block);

  return {
    async compute(samples, checkpoint) {
      const frames = frameCount(block, samples.length);
      const mel = new Float32Array(bins * frames);
      let largest = Number.NEGATIVE_INFINITY;
      for (let frame = 0; frame < frames; frame += 2) {
        for (const [offset, bands] of spectrum.pair(samples, frame).entries()) {
          if (frame + offset >= frames) continue;
          for (let bin = 0; bin < bins; bin++) {
            const value = logarithm(weigh(bands, filters[bin] as (typeof filters)[number]));
            mel[bin * frames + frame + offset] = value;
            if (value > largest) largest = value;
          }
        }
        if ((frame / 2) % pairsPerStep === pairsPerStep - 1) await checkpoint();
      }
      if (block.logarithm === "decibel") limitDecibels(mel, block, largest);
      const values = cosines ? await cosines(mel, frames, pairsPerStep, checkpoint) : mel;
      const features = { rows: rowCount(block), frames, values };
      normalizeFeatures(features, block);
      return features;
    },
  };
}

function weigh(
  bands: Float64Array,
  { start, weights }: { readonly start: number; readonly weights: Float64Array },
): number {
  let sum = 0;
  for (let index = 0; index < weights.length; index++)
    sum += (bands[start + index] as number) * (weights[index] as number);
  return sum;
}

function logarithmOf({ logarithm, floor, offset, power }: FrontEnd): (value: number) => number {
  const raised = (value: number): number => Math.max(floor, value) + offset;
  switch (logarithm) {
    case "none":
      return (value) => value;
    case "natural":
      return (value) => Math.log(raised(value));
    case "decimal":
      return (value) => Math.log10(raised(value));
    case "decibel": {
      const factor = power === 2 ? 10 : 20;
      return (value) => factor * Math.log10(raised(value));
    }
  }
}

/** Decibels in relation to the reference, which were in relation to 1. */
function limitDecibels(
  values: Float32Array,
  { reference, topDecibels, power, floor }: FrontEnd,
  largest: number,
): void {
  const factor = power === 2 ? 10 : 20;
  const zero = reference === "max" ? largest : factor * Math.log10(Math.max(floor, reference));
  const least = topDecibels === undefined ? Number.NEGATIVE_INFINITY : largest - topDecibels;
  for (let at = 0; at < values.length; at++)
    values[at] = Math.max(values[at] as number, least) - zero;
}
