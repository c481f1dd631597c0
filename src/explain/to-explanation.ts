import { ApiError } from "../domain/errors.ts";
import type {
  Explanation,
  ExplanationSpace,
  FeatureData,
} from "../domain/explanation/explanation.ts";
import type { ChosenOutputs } from "./choose-outputs.ts";

/** What a method has found out about an input. */
export interface ExplainedInput {
  readonly method: string;
  readonly exact: boolean;
  readonly space: ExplanationSpace;
  readonly outputs: ChosenOutputs;
  readonly featureNames: readonly string[];
  readonly data: readonly FeatureData[];
  /** By output. */
  readonly base: ArrayLike<number>;
  /** Of the input, by output. */
  readonly output: ArrayLike<number>;
  /** Feature by feature: one number for each output. */
  readonly values: ArrayLike<number>;
  /** In the order of `values`; absent where nothing was sampled. */
  readonly standardErrors?: ArrayLike<number> | undefined;
  readonly runs: number;
  /** Absent where nothing was drawn. */
  readonly seed?: number | undefined;
}

/**
 * The answer: numbers for one output, lists for all of them.
 * @throws ApiError `inference_failed` for numbers that JSON cannot represent
 */
export function toExplanation(input: ExplainedInput): Explanation {
  const { outputs, base, output, values, standardErrors } = input;
  refuseInfinite({ output, base_value: base, values, std_error: standardErrors ?? [] });
  const features = input.featureNames.length;
  const width = outputs.indices.length;
  const ofFeatures = (numbers: ArrayLike<number>): number[] | number[][] =>
    outputs.isList
      ? Array.from({ length: features }, (_, feature) => slice(numbers, feature * width, width))
      : slice(numbers, 0, features);
  return {
    method: input.method,
    exact: input.exact,
    space: input.space,
    base_value: outputs.isList ? slice(base, 0, width) : (base[0] ?? 0),
    output: outputs.isList ? slice(output, 0, width) : (output[0] ?? 0),
    output_names: outputs.names,
    feature_names: input.featureNames,
    data: input.data,
    values: ofFeatures(values),
    std_error: standardErrors ? ofFeatures(standardErrors) : null,
    additivity_error: additivityError(input, features, width),
    runs: input.runs,
    seed: input.seed ?? null,
  };
}

/** Sums of numbers near the largest double, and scores that the engine could not have computed. */
function refuseInfinite(fields: Readonly<Record<string, ArrayLike<number>>>): void {
  for (const [field, numbers] of Object.entries(fields))
    for (let at = 0; at < numbers.length; at++)
      if (!Number.isFinite(numbers[at]))
        throw new ApiError(
          "inference_failed",
          `"${field}" of the explanation would be NaN or infinity: the input, or a background row, is outside what the model can compute.`,
          { details: { field } },
        );
}

/** How far the values are from adding up to what the outputs differ from their base: the largest distance. */
function additivityError(
  { base, values, output }: ExplainedInput,
  features: number,
  width: number,
): number {
  let largest = 0;
  for (let at = 0; at < width; at++) {
    let sum = base[at] ?? 0;
    for (let feature = 0; feature < features; feature++) sum += values[feature * width + at] ?? 0;
    largest = Math.max(largest, Math.abs(sum - (output[at] ?? 0)));
  }
  return largest;
}

function slice(numbers: ArrayLike<number>, start: number, length: number): number[] {
  return Array.from({ length }, (_, index) => numbers[start + index] ?? 0);
}
