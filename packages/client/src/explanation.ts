/** Beside these, each method has some of its own, which `docs/explanations.md` of onnxflare describes. */
export interface ExplainParameters {
  /** By default the one that suits the model best. */
  readonly method?: string | undefined;
  /** What the values add up to. */
  readonly space?: "margin" | "log_odds" | "probability" | "output" | undefined;
  /** A label, the index of an output, or `"all"`; by default the label that is predicted. */
  readonly output?: string | number | undefined;
  /** Rows that the model may be run for. */
  readonly max_runs?: number | undefined;
  /** Of what is drawn (default 0). */
  readonly seed?: number | undefined;
  /** Inputs that stand for what is usual; by default those that are kept with the version. */
  readonly background?: readonly unknown[] | undefined;
  readonly background_rows?: number | undefined;
  readonly [name: string]: unknown;
}

export interface ExplainRequest {
  readonly model: string;
  readonly version?: string | undefined;
  /** As a prediction takes them: one input, or a list. */
  readonly inputs: unknown;
  readonly parameters?: ExplainParameters | undefined;
}

/** Why a model answers what it answers, in the shapes of `shap.Explanation`: of several outputs, each number is a list. */
export interface Explanation {
  readonly method: string;
  /** Whether nothing was sampled. */
  readonly exact: boolean;
  readonly space: "margin" | "log_odds" | "probability" | "output";
  /** The output where no feature is known. */
  readonly base_value: number | readonly number[];
  /** The output that is explained: the base value and all values together. */
  readonly output: number | readonly number[];
  readonly output_names: readonly string[];
  readonly feature_names: readonly string[];
  /** The input, feature by feature. */
  readonly data: readonly (number | string | boolean | null)[];
  /** What each feature has added. */
  readonly values: readonly number[] | readonly (readonly number[])[];
  /** In the shape of `values`; `null` where it is exact. */
  readonly std_error: readonly number[] | readonly (readonly number[])[] | null;
  readonly additivity_error: number;
  /** Rows that the model was run for. */
  readonly runs: number;
  /** `null` where nothing was drawn. */
  readonly seed: number | null;
}
