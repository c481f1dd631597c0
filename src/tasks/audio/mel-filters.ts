/** A triangle over the bins of a spectrum. */
export interface MelFilter {
  /** The first bin with a weight. */
  readonly start: number;
  readonly weights: Float64Array;
}

/** How the filters of a bank are made. */
export interface MelBank {
  readonly count: number;
  /** Bins of the spectrum, from 0 Hz to half the sample rate. */
  readonly bins: number;
  /** In Hz, as the next two. */
  readonly sampleRate: number;
  readonly minHertz?: number;
  readonly maxHertz?: number;
  readonly melScale?: keyof typeof SCALES;
  /** What a filter is a triangle over. */
  readonly triangles?: "hertz" | "mel";
  /** Whether each triangle over hertz has the area 1. */
  readonly melNorm?: "slaney" | "none";
}

/**
 * The filters of librosa's `mel`, of torchaudio's `melscale_fbanks` and of transformers' `mel_filter_bank`: triangles between neighbouring
 * points of the scale. The defaults are those of librosa.
 */
export function createMelFilters({
  count,
  bins,
  sampleRate,
  minHertz = 0,
  maxHertz = sampleRate / 2,
  melScale = "slaney",
  triangles = "hertz",
  melNorm = "slaney",
}: MelBank): MelFilter[] {
  const { toMel, toHertz } = SCALES[melScale];
  const [lowest, highest] = [toMel(minHertz), toMel(maxHertz)];
  const points = Array.from(
    { length: count + 2 },
    (_, index) => lowest + ((highest - lowest) * index) / (count + 1),
  );
  const edges = triangles === "mel" ? points : points.map(toHertz);
  const placeOf = triangles === "mel" ? toMel : (hertz: number) => hertz;
  const places = Array.from({ length: bins }, (_, bin) =>
    placeOf((sampleRate * bin) / (2 * (bins - 1))),
  );
  return Array.from({ length: count }, (_, index) => {
    const [low = 0, center = 0, high = 0] = edges.slice(index, index + 3);
    const width = toHertz(points[index + 2] as number) - toHertz(points[index] as number);
    const scale = melNorm === "slaney" ? 2 / width : 1;
    const weights = places.map((place) => {
      const rising = (place - low) / (center - low);
      const falling = (high - place) / (high - center);
      return Math.max(0, Math.min(rising, falling)) * scale;
    });
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

const SCALES = {
  slaney: {
    toMel(hertz: number): number {
      if (hertz < BREAK_HERTZ) return hertz / HERTZ_PER_MEL;
      return BREAK_MEL + Math.log(hertz / BREAK_HERTZ) / LOG_STEP;
    },
    toHertz(mel: number): number {
      if (mel < BREAK_MEL) return mel * HERTZ_PER_MEL;
      return BREAK_HERTZ * Math.exp(LOG_STEP * (mel - BREAK_MEL));
    },
  },
  /** The scale of HTK (Young et al., The HTK Book). */
  htk: {
    toMel: (hertz: number): number => 2595 * Math.log10(1 + hertz / 700),
    toHertz: (mel: number): number => 700 * (10 ** (mel / 2595) - 1),
  },
} as const;
