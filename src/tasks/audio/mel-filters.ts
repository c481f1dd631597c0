/** A triangle over the bins of a spectrum. */
export interface MelFilter {
  /** The first bin with a weight. */
  readonly start: number;
  readonly weights: Float64Array;
}

/**
 * The filters of librosa's `mel` with its defaults, and of transformers' `mel_filter_bank` with `norm="slaney"` and
 * `mel_scale="slaney"`: triangles between neighbouring points of the scale, each of area 1.
 * @param bins of the spectrum, from 0 Hz to half the sample rate
 */
export function createMelFilters(count: number, bins: number, sampleRate: number): MelFilter[] {
  const highest = sampleRate / 2;
  const points = Array.from({ length: count + 2 }, (_, index) =>
    toHertz((toMel(highest) * index) / (count + 1)),
  );
  return Array.from({ length: count }, (_, index) => {
    const [low = 0, center = 0, high = 0] = points.slice(index, index + 3);
    const weightAt = (bin: number): number => {
      const frequency = (highest * bin) / (bins - 1);
      const rising = (frequency - low) / (center - low);
      const falling = (high - frequency) / (high - center);
      return Math.max(0, Math.min(rising, falling)) * (2 / (high - low));
    };
    const weights = Array.from({ length: bins }, (_, bin) => weightAt(bin));
    const start = weights.findIndex((weight) => weight > 0);
    const end = weights.findLastIndex((weight) => weight > 0) + 1;
    // A narrow triangle may lie between two bins.
    return { start: Math.max(0, start), weights: Float64Array.from(weights.slice(start, end)) };
  });
}

/** Slaney's scale (Auditory Toolbox, 1998): linear up to 1000 Hz, then logarithmic. */
const BREAK_HERTZ = 1000;
const HERTZ_PER_MEL = 200 / 3;
const BREAK_MEL = BREAK_HERTZ / HERTZ_PER_MEL;
const LOG_STEP = Math.log(6.4) / 27;

function toMel(hertz: number): number {
  if (hertz < BREAK_HERTZ) return hertz / HERTZ_PER_MEL;
  return BREAK_MEL + Math.log(hertz / BREAK_HERTZ) / LOG_STEP;
}

function toHertz(mel: number): number {
  if (mel < BREAK_MEL) return mel * HERTZ_PER_MEL;
  return BREAK_HERTZ * Math.exp(LOG_STEP * (mel - BREAK_MEL));
}
