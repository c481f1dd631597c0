import type { OutputRow, OutputStatistics } from "../event.ts";
import { CONFIDENCE_BINS, confidenceBin } from "./confidence-bins.ts";
import { NumericGatherer } from "./numeric-gatherer.ts";

/** Rows that are told by themselves. */
export const MAX_ROWS = 16;
/** Different labels of a request; further ones are `other`. */
export const MAX_LABELS = 1000;
export const OTHER_LABEL = "other";

/** Gathers predictions, row by row. Counts by label are only made of more rows than are told by themselves. */
export class OutputRows {
  readonly #rows: OutputRow[] = [];
  readonly #value: NumericGatherer | undefined;
  #counts: LabelCounts | undefined;
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
    if (this.#rows.length < MAX_ROWS) {
      this.#rows.push({ label, confidence, entropy });
      return;
    }
    if (!this.#counts) {
      this.#counts = new LabelCounts();
      for (const row of this.#rows) this.#counts.add(row.label ?? "", row.confidence, row.entropy);
    }
    this.#counts.add(label, confidence, entropy);
  }

  /** @param isRow whether it is all that was predicted of a row */
  number(value: number, isRow: boolean): void {
    this.#value?.add(value);
    if (isRow && this.#rows.length < MAX_ROWS && Number.isFinite(value)) this.#rows.push({ value });
  }

  statistics(): OutputStatistics {
    const count = this.count;
    const rows = this.#rows;
    if (rows.length === 0) return { count, value: this.#value?.summary() };
    if (this.#value) return { count, rows, value: this.#value.summary() };
    if (this.#counts) return { count, rows, ...this.#counts.statistics() };
    const labels: Record<string, number> = {};
    let entropy = 0;
    let entropies = 0;
    for (const row of rows) {
      const label = row.label ?? "";
      labels[label] = (labels[label] ?? 0) + 1;
      if (row.entropy === undefined) continue;
      entropy += row.entropy;
      entropies += 1;
    }
    return {
      count,
      labels,
      rows,
      entropy: entropies > 0 ? { mean: entropy / entropies } : undefined,
    };
  }
}

/** Counts predictions by label and confidence. */
class LabelCounts {
  readonly #labels = new Map<string, { rows: number; confidence: number[] | undefined }>();
  #confidence: number[] | undefined;
  #entropy = 0;
  #entropies = 0;

  add(label: string, confidence: number | undefined, entropy: number | undefined): void {
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
    if (entropy === undefined) return;
    this.#entropies += 1;
    this.#entropy += entropy;
  }

  statistics(): Pick<OutputStatistics, "labels" | "confidence" | "confidenceByLabel" | "entropy"> {
    const labels: Record<string, number> = {};
    const confidenceByLabel: Record<string, readonly number[]> = {};
    for (const [label, ofLabel] of this.#labels) {
      labels[label] = ofLabel.rows;
      if (ofLabel.confidence) confidenceByLabel[label] = ofLabel.confidence;
    }
    const confidence = this.#confidence;
    return {
      labels,
      confidence,
      confidenceByLabel: confidence && confidenceByLabel,
      entropy: this.#entropies > 0 ? { mean: this.#entropy / this.#entropies } : undefined,
    };
  }
}

function countConfidence(counts: number[] | undefined, confidence: number): number[] {
  const known = counts ?? new Array<number>(CONFIDENCE_BINS).fill(0);
  const bin = confidenceBin(confidence);
  known[bin] = (known[bin] ?? 0) + 1;
  return known;
}
