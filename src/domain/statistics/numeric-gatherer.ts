import { binOf } from "../../shared/bin-of.ts";

/** What is known of numbers; without what none can say: of no values, and of values whose differences no double holds. */
export interface NumericSummary {
  readonly count: number;
  readonly missing: number;
  readonly mean: number | undefined;
  readonly deviation: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly histogram: readonly number[] | undefined;
}

/** Mean, deviation and extremes of numbers as they come, and their counts by bins. */
export class NumericGatherer {
  count = 0;
  missing = 0;
  mean = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** Sum of the squared differences from the mean (Welford, 1962). */
  m2 = 0;
  readonly edges: readonly number[] | undefined;
  readonly histogram: number[] | undefined;

  /** @param edges of the bins, ascending; none are counted without them */
  constructor(edges?: readonly number[]) {
    this.edges = edges;
    this.histogram = edges && new Array<number>(edges.length + 1).fill(0);
  }

  /** NaN and infinity are missing values. */
  add(value: number): void {
    if (value - value !== 0) {
      this.missing += 1;
      return;
    }
    this.count += 1;
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.m2 += delta * (value - this.mean);
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    const { edges, histogram } = this;
    if (edges && histogram) (histogram[binOf(edges, value)] as number) += 1;
  }

  get knownMean(): number | undefined {
    return this.count > 0 && this.m2 < Number.POSITIVE_INFINITY ? this.mean : undefined;
  }

  get deviation(): number | undefined {
    return this.knownMean === undefined ? undefined : Math.sqrt(this.m2 / this.count);
  }

  summary(): NumericSummary {
    const { count, missing, knownMean, deviation, histogram } = this;
    const min = count > 0 ? this.min : undefined;
    const max = count > 0 ? this.max : undefined;
    return { count, missing, mean: knownMean, deviation, min, max, histogram };
  }

  /** Of numbers such as lengths and sizes, which may be told of a single one; `undefined` without any. */
  spread():
    | {
        readonly mean: number;
        readonly deviation: number;
        readonly histogram: readonly number[] | undefined;
      }
    | undefined {
    const { knownMean: mean, deviation, histogram } = this;
    return mean === undefined || deviation === undefined
      ? undefined
      : { mean, deviation, histogram };
  }
}
