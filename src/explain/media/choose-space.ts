import { ApiError } from "../../domain/errors.ts";
import type { ExplanationSpace } from "../../domain/explanation/explanation.ts";
import { formatModelId } from "../../domain/model-id.ts";
import type { ExplanationRequest } from "../method.ts";

/**
 * The only space of an answer that is no scores of labels.
 * @param what the answer is, as a clause
 * @throws ApiError `invalid_request` for another one
 */
export function onlySpace(
  only: ExplanationSpace,
  what: string,
  { space, version }: Pick<ExplanationRequest, "space" | "version">,
): ExplanationSpace {
  if (space === undefined || space === only) return only;
  throw new ApiError(
    "invalid_request",
    `"parameters" are not valid for this model: space cannot be ${space}, because ${formatModelId(version.model)} ${what}. Leave it out, or send ${only}.`,
    { details: { field: "space", valid: [only] } },
  );
}
