import type { FeatureData } from "../../domain/explanation/explanation.ts";
import type { ExplainedFeatures } from "./contributions.ts";

/** What the answers of methods may have that is drawn. */
export interface ChartAnswer extends Partial<ExplainedFeatures> {
  readonly method?: string;
  readonly exact?: boolean;
  readonly space?: string;
  readonly runs?: number;
  readonly additivity_error?: number;
  /** Of what a part of an answer explains, such as a detected object. */
  readonly label?: string;
  readonly text?: string;
  readonly spans?: readonly ChartSpan[];
  /** Of pictures and of recordings, whose parts are the features. */
  readonly map?: object;
  readonly parts?: readonly object[];
  /** What is explained each by itself. */
  readonly explanations?: readonly ChartAnswer[];
  readonly counterfactuals?: readonly ChartCounterfactual[];
  readonly neighbors?: readonly ChartNeighbor[];
  readonly importances_mean?: readonly number[];
  readonly importances_std?: readonly number[];
  readonly metric?: string;
  readonly score?: number;
  readonly partial_dependence?: readonly ChartCurve[];
}

export interface ChartSpan {
  /** Code points of the text. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly value: number | readonly number[];
}

export interface ChartCounterfactual {
  readonly changes: Readonly<Record<string, readonly [from: FeatureData, to: FeatureData]>>;
  readonly output_name?: string;
  readonly output?: number;
  readonly distance?: number;
}

export interface ChartNeighbor {
  readonly index: number;
  readonly data: readonly FeatureData[] | Readonly<Record<string, FeatureData>>;
  readonly distance: number;
  readonly output?: unknown;
}

/** The dependence of the outputs on one feature. */
export interface ChartCurve {
  readonly feature_name: string;
  readonly grid_values: readonly FeatureData[];
  /** A number for each value of the grid, or such a list for each output. */
  readonly average: readonly number[] | readonly (readonly number[])[];
  /** Such a list for each row, or such a list of rows for each output. */
  readonly individual?:
    | readonly (readonly number[])[]
    | readonly (readonly (readonly number[])[])[];
}
