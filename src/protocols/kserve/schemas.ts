import { inferenceErrorSchema } from "../error-schema.ts";
import { modelVersionStatusSchema } from "../model-status.ts";
import { jsonContent } from "../openapi/schema-reference.ts";
import { servingMetadataSchema } from "./metadata.ts";
import { predictRequestSchema, predictResponseSchema } from "./predict-schema.ts";

export const SCHEMAS = {
  requests: { KservePredictRequest: predictRequestSchema },
  responses: {
    InferenceError: inferenceErrorSchema,
    KservePredictResponse: predictResponseSchema,
    ModelVersionStatus: modelVersionStatusSchema,
    ServingMetadata: servingMetadataSchema,
  },
} as const;

export const json = jsonContent(SCHEMAS);
