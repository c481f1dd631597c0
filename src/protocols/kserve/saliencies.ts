import type { z } from "zod";
import type { Explanation } from "../../domain/explanation/explanation.ts";
import type { explainResponseSchema } from "./explain-schema.ts";

type Saliencies = Pick<z.output<typeof explainResponseSchema>, "SHAP" | "LIME">;
type Scored = Pick<Explanation, "method" | "feature_names" | "values" | "std_error">;

/** Whose values are no Shapley values, and no weights of a surrogate. */
const OTHERS: readonly string[] = ["occlusion", "rise"];

/**
 * An explanation as the TrustyAI explainer has it: by output the scores of all features, the largest first.
 * @returns nothing for an explanation without a value for each feature
 */
export function toSaliencies(explanation: unknown): Saliencies {
  if (!hasValues(explanation) || OTHERS.includes(explanation.method)) return {};
  const { method, feature_names: names, values, std_error: errors } = explanation;
  const outputs = Array.isArray(values[0]) ? values[0].length : 1;
  const saliencies = Object.fromEntries(
    Array.from({ length: outputs }, (_, output) => {
      const scores = values.map((value, feature) => ({
        name: names[feature] ?? `inputs-${feature}`,
        score: at(value, output),
        confidence: errors ? at(errors[feature], output) : 0,
      }));
      scores.sort((one, two) => Math.abs(two.score) - Math.abs(one.score));
      return [`outputs-${output}`, scores];
    }),
  );
  return { [method === "lime" ? "LIME" : "SHAP"]: { saliencies } };
}

function at(value: number | readonly number[] | undefined, output: number): number {
  return (typeof value === "number" ? value : value?.[output]) ?? 0;
}

function hasValues(explanation: unknown): explanation is Scored {
  const { values, feature_names: names } = Object(explanation) as Partial<Scored>;
  return Array.isArray(values) && Array.isArray(names);
}
