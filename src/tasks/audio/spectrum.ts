import type { MelSpectrogramBlock } from "../../domain/blocks/preprocess/mel-spectrogram.ts";
import { analysisWindow } from "./analysis-window.ts";
import { createFourierTransform } from "./fourier-transform.ts";

type SpectrumShape = Pick<
  MelSpectrogramBlock,
  | "frameSamples"
  | "hopSamples"
  | "fftSize"
  | "window"
  | "framing"
  | "padMode"
  | "gain"
  | "removeOffset"
  | "preEmphasis"
  | "power"
>;

/** Spectra of the frames of a signal; the working memory is used again. */
export interface Spectrum {
  /** From 0 Hz to half the sample rate. */
  readonly bins: number;
  /** Magnitudes or powers of a frame and of the one after it, valid until the next call. */
  pair(samples: Float32Array, frame: number): readonly [Float64Array, Float64Array];
}

export function createSpectrum(shape: SpectrumShape): Spectrum {
  const { frameSamples, hopSamples, fftSize = frameSamples, framing, gain, power } = shape;
  const { removeOffset, preEmphasis } = shape;
  const fourier = createFourierTransform(fftSize);
  const window = analysisWindow(shape.window, frameSamples);
  const bins = Math.floor(fftSize / 2) + 1;
  const results = [new Float64Array(bins), new Float64Array(bins)] as const;
  // Of the first sample of frame 0; a frame that is shorter than its transform is in the middle of it.
  const inMiddle = Math.floor((fftSize - frameSamples) / 2);
  const origin =
    framing === "centered"
      ? inMiddle - Math.floor(fftSize / 2)
      : framing === "transforms"
        ? inMiddle
        : 0;
  const mirrors = shape.padMode === "reflect";

  const load = (samples: Float32Array, start: number, target: Float64Array): void => {
    const last = samples.length - 1;
    let sum = 0;
    for (let index = 0; index < frameSamples; index++) {
      let at = start + index;
      if (mirrors) {
        if (at < 0) at = -at;
        if (at > last) at = 2 * last - at;
      }
      const value = (samples[at] ?? 0) * gain;
      target[index] = value;
      sum += value;
    }
    const offset = removeOffset ? sum / frameSamples : 0;
    for (let index = frameSamples - 1; index >= 0; index--) {
      const value = (target[index] as number) - offset;
      const before = (target[Math.max(0, index - 1)] as number) - offset;
      target[index] = (value - preEmphasis * before) * (window[index] as number);
    }
    target.fill(0, frameSamples);
  };

  return {
    bins,
    pair(samples, frame) {
      const { real, imaginary } = fourier;
      load(samples, origin + frame * hopSamples, real);
      load(samples, origin + (frame + 1) * hopSamples, imaginary);
      fourier.transform();
      const [first, second] = results;
      // Two frames are the real and the imaginary part of one transform, which their symmetry takes apart again.
      for (let bin = 0; bin < bins; bin++) {
        const mirror = bin === 0 ? 0 : fftSize - bin;
        const [a, b] = [real[bin] as number, imaginary[bin] as number];
        const [c, d] = [real[mirror] as number, imaginary[mirror] as number];
        first[bin] = ((a + c) ** 2 + (b - d) ** 2) / 4;
        second[bin] = ((b + d) ** 2 + (c - a) ** 2) / 4;
      }
      if (power === 1)
        for (const result of results)
          for (let bin = 0; bin < bins; bin++) result[bin] = Math.sqrt(result[bin] as number);
      return results;
    },
  };
}
