import { inferenceErrorSchema } from "../error-schema.ts";
import { modelVersionStatusSchema } from "../model-status.ts";
import { jsonContent } from "../openapi/schema-reference.ts";
import { explainRequestSchema, explainResponseSchema } from "./explain-schema.ts";
import { SERVING_SCHEMAS } from "./metadata.ts";
import { predictRequestSchema, predictResponseSchema } from "./predict-schema.ts";

export const SCHEMAS = {
  requests: {
    KservePredictRequest: predictRequestSchema,
    KserveExplainRequest: explainRequestSchema,
  },
  responses: {
    InferenceError: inferenceErrorSchema,
    KservePredictResponse: predictResponseSchema,
    KserveExplainResponse: explainResponseSchema,
    ModelVersionStatus: modelVersionStatusSchema,
    ...SERVING_SCHEMAS,
  },
} as const;

export const json = jsonContent(SCHEMAS);
