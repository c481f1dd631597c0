import { MAX_CANDIDATE_LABELS } from "../../domain/blocks/candidate-labels.ts";
import { ApiError } from "../../domain/errors.ts";
import { quote } from "../../shared/quote.ts";

/**
 * The labels of a request, in its order. Those of a text are between commas, as in `transformers`.
 * @throws ApiError `invalid_request` where there are none, or one twice
 */
export function candidateLabels(parameters: Readonly<Record<string, unknown>>): readonly string[] {
  const given = parameters.candidate_labels as string | readonly string[] | undefined;
  const labels =
    typeof given === "string"
      ? given
          .split(",")
          .map((label) => label.trim())
          .filter((label) => label !== "")
      : (given ?? []);
  if (labels.length === 0)
    throw invalid(
      'is missing: send the labels to choose from, such as {"candidate_labels": ["travel", "cooking"]}',
    );
  if (labels.length > MAX_CANDIDATE_LABELS)
    throw invalid(`has ${labels.length} labels: at most ${MAX_CANDIDATE_LABELS} are compared`);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) throw invalid(`has ${quote(twice)} twice`);
  return labels;
}

/** @throws ApiError `invalid_request` for a template without a place for the label */
export function toHypothesis(
  label: string,
  { hypothesis_template }: Readonly<Record<string, unknown>>,
): string {
  const template = String(hypothesis_template);
  if (!template.includes("{}"))
    throw new ApiError(
      "invalid_request",
      `"parameters.hypothesis_template" must have {} where the label goes, such as "This example is {}."; got ${quote(template)}.`,
      { details: { field: "parameters.hypothesis_template" } },
    );
  return template.replace("{}", () => label);
}

function invalid(problem: string): ApiError {
  return new ApiError("invalid_request", `"parameters.candidate_labels" ${problem}.`, {
    details: { field: "parameters.candidate_labels" },
  });
}
