import type { MelSpectrogramBlock } from "../../domain/blocks/preprocess/mel-spectrogram.ts";

/** What the samples of a frame are multiplied by: SciPy's `get_window`, Kaldi's for `povey`. */
export function analysisWindow(name: MelSpectrogramBlock["window"], length: number): Float64Array {
  const { terms, isSymmetric = false, exponent = 1 } = WINDOWS[name];
  const period = Math.max(1, isSymmetric ? length - 1 : length);
  return Float64Array.from({ length }, (_, index) => {
    const angle = (2 * Math.PI * index) / period;
    const sum = terms.reduce((total, term, order) => total + term * Math.cos(order * angle), 0);
    return exponent === 1 ? sum : Math.max(0, sum) ** exponent;
  });
}

interface Cosines {
  /** Factors of the cosines of 0, 1, 2, ... times the angle. */
  readonly terms: readonly number[];
  readonly isSymmetric?: boolean;
  readonly exponent?: number;
}

const HANN = [0.5, -0.5];
const HAMMING = [0.54, -0.46];

const WINDOWS: Readonly<Record<MelSpectrogramBlock["window"], Cosines>> = {
  hann: { terms: HANN },
  "hann-symmetric": { terms: HANN, isSymmetric: true },
  hamming: { terms: HAMMING },
  "hamming-symmetric": { terms: HAMMING, isSymmetric: true },
  blackman: { terms: [0.42, -0.5, 0.08] },
  povey: { terms: HANN, isSymmetric: true, exponent: 0.85 },
  none: { terms: [1] },
};
