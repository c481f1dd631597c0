import type { OutputRow, OutputStatistics } from "../event.ts";
import { NumericGatherer } from "./numeric-gatherer.ts";

/** Rows that are told by themselves. */
export const MAX_ROWS = 16;
/** Different labels of a request; further ones are `other`. */
export const MAX_LABELS = 1000;
export const OTHER_LABEL = "other";
const CONFIDENCE_BINS = 20;

/** Gathers predictions, row by row. */
export class OutputRows {
  readonly #labels = new Map<string, { rows: number; confidence: number[] | undefined }>();
  readonly #rows: OutputRow[] = [];
  readonly #value: NumericGatherer | undefined;
  #confidence: number[] | undefined;
  #entropies = 0;
  #entropy = 0;
  /** Rows that were predicted, also those that were not looked at. */
  count = 0;

  /** @param edges of the bins of a number that is predicted; `undefined` of labels */
  constructor(value?: { readonly edges: readonly number[] | undefined }) {
    this.#value = value && new NumericGatherer(value.edges);
  }

  /** @param score that is the confidence, where it is a probability */
  label(label: string, score?: number, ofScores?: number): void {
    const confidence = score !== undefined && score >= 0 && score <= 1 ? score : undefined;
    const entropy = Number.isFinite(ofScores) ? ofScores : undefined;
    const isKnown = this.#labels.has(label) || this.#labels.size < MAX_LABELS;
    const name = isKnown ? label : OTHER_LABEL;
    let ofLabel = this.#labels.get(name);
    if (!ofLabel) {
      ofLabel = { rows: 0, confidence: undefined };
      this.#labels.set(name, ofLabel);
    }
    ofLabel.rows += 1;
    if (confidence !== undefined) {
      this.#confidence = countConfidence(this.#confidence, confidence);
      ofLabel.confidence = countConfidence(ofLabel.confidence, confidence);
    }
    if (entropy !== undefined) {
      this.#entropies += 1;
      this.#entropy += entropy;
    }
    if (this.#rows.length < MAX_ROWS) this.#rows.push({ label: name, confidence, entropy });
  }

  /** @param isRow whether it is all that was predicted of a row */
  number(value: number, isRow: boolean): void {
    this.#value?.add(value);
    if (isRow && this.#rows.length < MAX_ROWS && Number.isFinite(value)) this.#rows.push({ value });
  }

  statistics(): OutputStatistics {
    const { count } = this;
    const rows = this.#rows.length > 0 ? this.#rows : undefined;
    const value = this.#value?.summary();
    if (this.#labels.size === 0) return { count, rows, value };
    const labels: Record<string, number> = {};
    const confidenceByLabel: Record<string, readonly number[]> = {};
    for (const [label, ofLabel] of this.#labels) {
      labels[label] = ofLabel.rows;
      if (ofLabel.confidence) confidenceByLabel[label] = ofLabel.confidence;
    }
    const confidence = this.#confidence;
    return {
      count,
      labels,
      rows,
      confidence,
      confidenceByLabel: confidence && confidenceByLabel,
      entropy: this.#entropies > 0 ? { mean: this.#entropy / this.#entropies } : undefined,
      value,
    };
  }
}

function countConfidence(counts: number[] | undefined, confidence: number): number[] {
  const known = counts ?? new Array<number>(CONFIDENCE_BINS).fill(0);
  const bin = Math.min(Math.floor(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1);
  known[bin] = (known[bin] ?? 0) + 1;
  return known;
}
