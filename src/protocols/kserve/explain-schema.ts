import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { parseWith } from "../parse.ts";
import { explanationParametersSchema, oneExplanationSchema } from "../task/explain-schemas.ts";

/**
 * `:explain` of KServe's v1 protocol (https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol), whose responses it leaves open.
 * They also have the field of the TrustyAI explainer (https://github.com/trustyai-explainability/trustyai-kserve-explainer).
 */

export const explainRequestSchema = z.looseObject({
  instances: z.unknown().optional().meta({
    type: "array",
    items: {},
    description:
      'The inputs of the model\'s task, one for each explanation. Bytes are `{"b64": "..."}`, in Base64.',
  }),
  parameters: explanationParametersSchema
    .partial()
    .nullish()
    .describe("As of `POST /models/{model}/explain`."),
});

const salienciesSchema = z
  .strictObject({
    saliencies: z.record(
      z.string(),
      z.array(z.strictObject({ name: z.string(), score: z.number(), confidence: z.number() })),
    ),
  })
  .describe("By output: the features of the first instance, the largest score first.");

export const explainResponseSchema = z.strictObject({
  explanations: z.array(oneExplanationSchema).describe("One for each instance."),
  timestamp: z.iso.datetime().describe("When it was answered."),
  SHAP: salienciesSchema.optional(),
  LIME: salienciesSchema.optional(),
});

export interface ExplainBody {
  readonly instances: readonly unknown[];
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The names of parameters are checked with their values, by method. */
const bodySchema = z.looseObject({
  instances: z.unknown(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
});

/** @throws ApiError `invalid_request` that names the field */
export function parseExplainBody(body: unknown): ExplainBody {
  const { instances, parameters } = parseWith(bodySchema, body);
  if (!Array.isArray(instances) || instances.length === 0)
    throw new ApiError("invalid_request", "instances must be a list of at least one instance.", {
      details: { field: "instances" },
    });
  return { instances, parameters: parameters ?? {} };
}
