/** Bins of equal width from 0 to 1 in which confidences are counted. */
export const CONFIDENCE_BINS = 20;

/** The bin of a confidence: `floor(20 p)`, so that a bin has its lower edge and not its upper one; the last bin has both. */
export function confidenceBin(confidence: number): number {
  return Math.min(CONFIDENCE_BINS - 1, Math.max(0, Math.floor(confidence * CONFIDENCE_BINS)));
}
