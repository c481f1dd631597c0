import { jsonValueSchema } from "../../domain/manifest.ts";
import { inferenceErrorSchema } from "../error-schema.ts";
import { jsonContent } from "../openapi/schema-reference.ts";
import { inferInputSchema, inferOutputSchema, inferRequestSchema } from "./infer-schema.ts";
import { repositoryControlRequestSchema, repositoryIndexRequestSchema } from "./repository.ts";
import {
  inferResponseSchema,
  liveSchema,
  modelConfigSchema,
  modelListSchema,
  modelMetadataSchema,
  modelReadinessSchema,
  modelStatisticsSchema,
  readySchema,
  repositoryIndexSchema,
  repositoryStateSchema,
  serverMetadataSchema,
  tensorMetadataSchema,
} from "./response-schema.ts";

export const SCHEMAS = {
  requests: {
    InferInput: inferInputSchema,
    InferRequest: inferRequestSchema,
    InferRequestedOutput: inferOutputSchema,
    RepositoryControlRequest: repositoryControlRequestSchema,
    RepositoryIndexRequest: repositoryIndexRequestSchema,
  },
  responses: {
    InferResponse: inferResponseSchema,
    InferenceError: inferenceErrorSchema,
    JsonValue: jsonValueSchema,
    Live: liveSchema,
    ModelConfig: modelConfigSchema,
    ModelList: modelListSchema,
    ModelMetadata: modelMetadataSchema,
    ModelReadiness: modelReadinessSchema,
    ModelStatistics: modelStatisticsSchema,
    Ready: readySchema,
    RepositoryIndex: repositoryIndexSchema,
    RepositoryState: repositoryStateSchema,
    ServerMetadata: serverMetadataSchema,
    TensorMetadata: tensorMetadataSchema,
  },
} as const;

export const json = jsonContent(SCHEMAS);
