/**
 * Why a model gave an answer: how much each feature of an input has added to an output, in the shapes of `shap.Explanation`
 * (https://shap.readthedocs.io/en/latest/generated/shap.Explanation.html).
 */

/**
 * What the values of an explanation add up to: the model's raw score, of two labels their log-odds; the log-odds of each label against
 * all others; a probability; or the output as the model has it.
 */
export const EXPLANATION_SPACES = ["margin", "log_odds", "probability", "output"] as const;
export type ExplanationSpace = (typeof EXPLANATION_SPACES)[number];

/** A value of an input as the request had it; `null` where it is missing. */
export type FeatureData = number | string | boolean | null;

/** One output is explained by numbers, several (K) by lists. */
export interface Explanation {
  readonly method: string;
  /** Whether the values are what the method defines, without sampling and without approximation. */
  readonly exact: boolean;
  readonly space: ExplanationSpace;
  /** The output where no feature is known: a number, or K numbers. */
  readonly base_value: number | readonly number[];
  /** The output that is explained: a number, or K numbers. */
  readonly output: number | readonly number[];
  /** The label or name of each output. */
  readonly output_names: readonly string[];
  /** M names. */
  readonly feature_names: readonly string[];
  /** M values of the input. */
  readonly data: readonly FeatureData[];
  /** M numbers, or M lists of K numbers. */
  readonly values: readonly number[] | readonly (readonly number[])[];
  /** In the shape of `values`; `null` where nothing was sampled. */
  readonly std_error: readonly number[] | readonly (readonly number[])[] | null;
  /** How far `base_value` and the values are from adding up to `output`: the largest distance. */
  readonly additivity_error: number;
  /** Rows that the model was run for. */
  readonly runs: number;
  /** `null` where nothing was drawn. */
  readonly seed: number | null;
}
