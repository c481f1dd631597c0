import { binOf } from "../../shared/bin-of.ts";
import type { InputStatistics } from "../event.ts";

/** Mean, deviation and extremes of numbers as they come, and their counts by bins. */
export class NumericGatherer {
  count = 0;
  missing = 0;
  mean = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** Sum of the squared differences from the mean (Welford, 1962). */
  #m2 = 0;
  readonly #edges: readonly number[] | undefined;
  readonly #histogram: number[] | undefined;

  /** @param edges of the bins, ascending; none are counted without them */
  constructor(edges?: readonly number[]) {
    this.#edges = edges;
    this.#histogram = edges && new Array(edges.length + 1).fill(0);
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
    this.#m2 += delta * (value - this.mean);
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    if (this.#edges && this.#histogram) (this.#histogram[binOf(this.#edges, value)] as number) += 1;
  }

  /** Without what no number can say: of no values, and of values whose differences no double holds. */
  summary(): {
    readonly count: number;
    readonly missing: number;
    readonly mean: number | undefined;
    readonly deviation: number | undefined;
    readonly min: number | undefined;
    readonly max: number | undefined;
    readonly histogram: readonly number[] | undefined;
  } {
    const { count, missing, min, max } = this;
    const isKnown = count > 0 && Number.isFinite(this.#m2);
    return {
      count,
      missing,
      mean: isKnown ? this.mean : undefined,
      deviation: isKnown ? Math.sqrt(this.#m2 / count) : undefined,
      min: count > 0 ? min : undefined,
      max: count > 0 ? max : undefined,
      histogram: this.#histogram && [...this.#histogram],
    };
  }

  /** Of numbers such as lengths and sizes, which may be told of a single one; `undefined` without any. */
  spread():
    | {
        readonly mean: number;
        readonly deviation: number;
        readonly histogram: readonly number[] | undefined;
      }
    | undefined {
    const { mean, deviation, histogram } = this.summary();
    return mean === undefined || deviation === undefined
      ? undefined
      : { mean, deviation, histogram };
  }

  toStatistics(name: string): InputStatistics {
    return { name, kind: "numeric", ...this.summary() };
  }
}
