import type { Explanation, FeatureData } from "../../domain/explanation/explanation.ts";

/** What is drawn of a feature, or of the sum of several. */
export interface Contribution {
  readonly name: string;
  readonly data?: FeatureData | undefined;
  /** Output by output. */
  readonly values: readonly number[];
  readonly errors?: readonly number[] | undefined;
}

/** An explanation with lists for its outputs, also of one alone. */
export interface Contributions {
  readonly outputNames: readonly string[];
  readonly base: readonly number[];
  readonly output: readonly number[];
  /** The largest first: by the sum of the sizes of their values. */
  readonly features: readonly Contribution[];
}

/** What of an explanation has to do with its picture. */
export type ExplainedFeatures = Pick<Explanation, "feature_names" | "output_names" | "values"> &
  Partial<Pick<Explanation, "base_value" | "output" | "data" | "std_error">>;

export function toContributions(explanation: ExplainedFeatures): Contributions {
  const { feature_names, output_names, values, data, std_error, base_value, output } = explanation;
  const features = feature_names.map(
    (name, index): Contribution => ({
      name,
      data: data?.[index],
      values: toList(values[index]),
      ...(std_error && { errors: toList(std_error[index]) }),
    }),
  );
  return {
    outputNames: output_names,
    base: toList(base_value),
    output: toList(output),
    features: largestFirst(features),
  };
}

/** The outputs at these places alone. */
export function selectOutputs(
  { outputNames, base, output, features }: Contributions,
  places: readonly number[],
): Contributions {
  if (places.length === outputNames.length && places.every((place, at) => place === at))
    return { outputNames, base, output, features };
  const select = (list: readonly number[]): number[] =>
    list.length === 0 ? [] : places.map((place) => list[place] ?? 0);
  const selected = features.map(
    (feature): Contribution => ({
      ...feature,
      values: select(feature.values),
      ...(feature.errors && { errors: select(feature.errors) }),
    }),
  );
  return {
    outputNames: places.map((place) => outputNames[place] ?? String(place)),
    base: select(base),
    output: select(output),
    features: largestFirst(selected),
  };
}

/** The places of the outputs with the largest values, in their own order. */
export function largestOutputs({ output, outputNames }: Contributions, count: number): number[] {
  return outputNames
    .map((_, place) => place)
    .sort((a, b) => (output[b] ?? 0) - (output[a] ?? 0))
    .slice(0, count)
    .sort((a, b) => a - b);
}

/**
 * At most `count` rows; the last one is the sum of all that have no row of their own.
 * Standard errors of a sum are those of independent estimates.
 */
export function summarize(
  features: readonly Contribution[],
  count: number,
): readonly Contribution[] {
  if (features.length <= count) return features;
  const others = features.slice(count - 1);
  const outputs = others[0]?.values.map((_, output) => output) ?? [];
  const hasErrors = others.every(({ errors }) => errors);
  return [
    ...features.slice(0, count - 1),
    {
      name: `${others.length} others`,
      values: outputs.map((output) =>
        others.reduce((sum, { values }) => sum + (values[output] ?? 0), 0),
      ),
      ...(hasErrors && {
        errors: outputs.map((output) =>
          Math.hypot(...others.map(({ errors }) => errors?.[output] ?? 0)),
        ),
      }),
    },
  ];
}

/** A share of the way from the base value to the output below which a rest is one of rounding or of sampling. */
const NEGLIGIBLE = 0.01;

/** What the values of one output are from adding up to it; 0 where that is little. */
export function notExplained({ base, output, features }: Contributions): number {
  const [from = 0] = base;
  const [to = 0] = output;
  const sum = features.reduce((total, { values }) => total + (values[0] ?? 0), 0);
  const rest = to - from - sum;
  const sizes = features.reduce((total, { values }) => total + Math.abs(values[0] ?? 0), 0);
  return Math.abs(rest) > NEGLIGIBLE * Math.max(Math.abs(to - from), sizes) ? rest : 0;
}

/** {@link summarize} for charts that lead from the base value to the output: what no feature explains is a row too. */
export function summarizeWay(contributions: Contributions, count: number): readonly Contribution[] {
  const rows = summarize(contributions.features, count);
  const rest = notExplained(contributions);
  return rest === 0 ? rows : [...rows, { name: "not explained", values: [rest] }];
}

/** By the sum of the sizes of their values, each of which is computed once: there may be thousands. */
function largestFirst(features: readonly Contribution[]): Contribution[] {
  return features
    .map((feature) => ({ feature, size: sizeOf(feature) }))
    .sort((a, b) => b.size - a.size)
    .map(({ feature }) => feature);
}

function sizeOf({ values }: Contribution): number {
  let size = 0;
  for (const value of values) size += Math.abs(value);
  return size;
}

function toList(value: number | readonly number[] | undefined): readonly number[] {
  if (value === undefined) return [];
  return typeof value === "number" ? [value] : value;
}
