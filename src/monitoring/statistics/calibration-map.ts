import type { CalibrationSource } from "../../domain/monitoring/accuracy-report.ts";
import type { TruthSums } from "../../domain/monitoring/truth-sums.ts";
import { CONFIDENCE_BINS } from "../../domain/statistics/confidence-bins.ts";
import { isotonic } from "./isotonic.ts";

/** What confidences are worth: the share of right predictions, by bin of the confidence. */
export interface CalibrationMap {
  /** What it is made of. */
  readonly source: CalibrationSource;
  /** Predictions whose truth is known; 0 where the manifest says that confidences are probabilities. */
  readonly truths: number;
  readonly shares: readonly number[];
  /** Truths by bin. */
  readonly support: readonly number[];
  /** How far a share may be off, besides by chance. */
  readonly tolerance: number;
  /** By truth and prediction, as far as it is known: where wrong predictions belong. */
  readonly pairs: TruthSums["pairs"];
}

/** Fewer truths say too little: with 200 the expected accuracy is known to 3 or 4 points. */
export const MIN_CALIBRATION_TRUTHS = 200;

/** @returns `undefined` for too few truths with a confidence */
export function calibrationOf(
  {
    bins,
    pairs,
  }: Pick<TruthSums, "pairs"> & {
    readonly bins: readonly { readonly count: number; readonly correct: number }[];
  },
  source: CalibrationSource,
): CalibrationMap | undefined {
  const truths = bins.reduce((sum, { count }) => sum + count, 0);
  if (truths < MIN_CALIBRATION_TRUTHS) return undefined;
  const shares = isotonic(
    bins.map(({ count, correct }) => ({ mean: count > 0 ? correct / count : 0, weight: count })),
  );
  return { source, truths, shares, support: bins.map(({ count }) => count), tolerance: 0, pairs };
}

/** Of a model whose manifest says so: a confidence is worth the middle of its bin, which it may differ from by half a width. */
export function statedCalibration(): CalibrationMap {
  return {
    source: "manifest",
    truths: 0,
    shares: Array.from({ length: CONFIDENCE_BINS }, (_, bin) => (bin + 0.5) / CONFIDENCE_BINS),
    support: new Array<number>(CONFIDENCE_BINS).fill(0),
    tolerance: 0.5 / CONFIDENCE_BINS,
    pairs: {},
  };
}
