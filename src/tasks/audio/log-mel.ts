import type { Call } from "../../domain/call.ts";
import { createFourierTransform } from "./fourier-transform.ts";
import { createMelFilters } from "./mel-filters.ts";

export interface LogMelShape {
  readonly sampleRate: number;
  /** Samples of a frame. */
  readonly frameSamples: number;
  /** From one frame to the next one. */
  readonly hopSamples: number;
  /** Mel bins, the rows of a spectrogram. */
  readonly bins: number;
}

/** Computes log-mel spectrograms; its working memory is used again. */
export interface LogMel {
  /**
   * @param samples a window of audio, more than half a frame; what is before and after it is its mirror image
   * @param checkpoint awaited between two pieces of work
   * @returns `bins` rows of `samples.length / hopSamples` values, rounded down
   */
  compute(samples: Float32Array, checkpoint: Call["checkpoint"]): Promise<Float32Array>;
}

/** The floor of a power, and how far below the loudest value of a window others are raised to. */
const MIN_POWER = 1e-10;
const RANGE = 8;
/** About 2 ms, 10 ms before the code is compiled. */
const FRAMES_PER_STEP = 128;

/**
 * The features of Whisper, as `WhisperFeatureExtractor` of transformers computes them: a periodic Hann window, frames centred on
 * multiples of the hop, powers in Slaney's mel filters, decimal logarithms raised to 8 below the largest one of the window,
 * plus 4, divided by 4.
 */
export function createLogMel({ sampleRate, frameSamples, hopSamples, bins }: LogMelShape): LogMel {
  const fourier = createFourierTransform(frameSamples);
  const filters = createMelFilters({
    count: bins,
    bins: Math.floor(frameSamples / 2) + 1,
    sampleRate,
  });
  const window = Float64Array.from(
    { length: frameSamples },
    (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / frameSamples),
  );
  const half = Math.floor(frameSamples / 2);
  const powers = [new Float64Array(half + 1), new Float64Array(half + 1)] as const;

  const load = (samples: Float32Array, start: number, target: Float64Array): void => {
    const last = samples.length - 1;
    for (let index = 0; index < frameSamples; index++) {
      let at = Math.abs(start + index);
      if (at > last) at = Math.max(0, 2 * last - at);
      target[index] = (samples[at] as number) * (window[index] as number);
    }
  };

  /** Two frames are the real and the imaginary part of one transform, which their symmetry takes apart again. */
  const transformPair = (samples: Float32Array, first: number, second: number): void => {
    const { real, imaginary } = fourier;
    load(samples, first * hopSamples - half, real);
    load(samples, second * hopSamples - half, imaginary);
    fourier.transform();
    for (let bin = 0; bin <= half; bin++) {
      const mirror = bin === 0 ? 0 : frameSamples - bin;
      const [a, b] = [real[bin] as number, imaginary[bin] as number];
      const [c, d] = [real[mirror] as number, imaginary[mirror] as number];
      powers[0][bin] = ((a + c) ** 2 + (b - d) ** 2) / 4;
      powers[1][bin] = ((b + d) ** 2 + (c - a) ** 2) / 4;
    }
  };

  const logarithm = (power: Float64Array, { start, weights }: (typeof filters)[number]): number => {
    let sum = 0;
    for (let index = 0; index < weights.length; index++)
      sum += (power[start + index] as number) * (weights[index] as number);
    return Math.log10(Math.max(MIN_POWER, sum));
  };

  return {
    async compute(samples, checkpoint) {
      const frames = Math.floor(samples.length / hopSamples);
      const features = new Float32Array(bins * frames);
      let largest = Number.NEGATIVE_INFINITY;
      for (let frame = 0; frame < frames; frame += 2) {
        transformPair(samples, frame, frame + 1);
        for (const [offset, power] of powers.entries()) {
          if (frame + offset >= frames) continue;
          for (const [bin, filter] of filters.entries()) {
            const value = logarithm(power, filter);
            features[bin * frames + frame + offset] = value;
            if (value > largest) largest = value;
          }
        }
        if (frame % FRAMES_PER_STEP === FRAMES_PER_STEP - 2) await checkpoint();
      }
      for (const [index, value] of features.entries())
        features[index] = (Math.max(value, largest - RANGE) + 4) / 4;
      return features;
    },
  };
}
