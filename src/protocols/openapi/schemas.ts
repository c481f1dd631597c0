import { z } from "zod";
import { jsonValueSchema, manifestSchema } from "../../domain/manifest.ts";
import {
  cacheStatsSchema,
  deletedVersionSchema,
  publishedVersionsSchema,
  purgeSummarySchema,
  runtimeStatsSchema,
} from "../admin/answer-schema.ts";
import { purgeRequestSchema } from "../admin/purge-request.ts";
import { inferenceErrorSchema, problemSchema } from "../error-schema.ts";
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
} from "../oip/answer-schema.ts";
import { inferInputSchema, inferOutputSchema, inferRequestSchema } from "../oip/infer-schema.ts";
import { repositoryControlRequestSchema, repositoryIndexRequestSchema } from "../oip/repository.ts";
import { embeddingsRequestSchema, embeddingsResponseSchema } from "../openai/embeddings.ts";
import { openAiErrorSchema } from "../openai/error.ts";
import { openAiModelListSchema, openAiModelSchema } from "../openai/models.ts";
import { taskAnswerSchema } from "../task/task-answer.ts";
import { taskRequestSchema } from "../task/task-request.ts";
import type { Reference, Schema } from "./openapi-types.ts";

/** What requests are validated with. */
const REQUESTS = {
  EmbeddingsRequest: embeddingsRequestSchema,
  InferInput: inferInputSchema,
  InferRequest: inferRequestSchema,
  InferRequestedOutput: inferOutputSchema,
  PurgeRequest: purgeRequestSchema,
  RepositoryControlRequest: repositoryControlRequestSchema,
  RepositoryIndexRequest: repositoryIndexRequestSchema,
  TaskRequest: taskRequestSchema,
} as const;

/** What the tests hold answers to. */
export const ANSWERS = {
  CacheStatistics: cacheStatsSchema,
  DeletedVersion: deletedVersionSchema,
  EmbeddingsResponse: embeddingsResponseSchema,
  InferResponse: inferResponseSchema,
  InferenceError: inferenceErrorSchema,
  JsonValue: jsonValueSchema,
  Live: liveSchema,
  Manifest: manifestSchema,
  ModelConfig: modelConfigSchema,
  ModelList: modelListSchema,
  ModelMetadata: modelMetadataSchema,
  ModelReadiness: modelReadinessSchema,
  ModelStatistics: modelStatisticsSchema,
  OpenAiError: openAiErrorSchema,
  OpenAiModel: openAiModelSchema,
  OpenAiModelList: openAiModelListSchema,
  Problem: problemSchema,
  PublishedVersions: publishedVersionsSchema,
  PurgeSummary: purgeSummarySchema,
  Ready: readySchema,
  RepositoryIndex: repositoryIndexSchema,
  RepositoryState: repositoryStateSchema,
  RuntimeStatistics: runtimeStatsSchema,
  ServerMetadata: serverMetadataSchema,
  TaskAnswer: taskAnswerSchema,
  TensorMetadata: tensorMetadataSchema,
} as const;

export type SchemaName = keyof typeof REQUESTS | keyof typeof ANSWERS;

export function schemaReference(name: SchemaName): Reference {
  return { $ref: toUri(name) };
}

/** Every named schema as JSON Schema, requests as they are sent and answers as they come. */
export function toSchemas(): Record<string, Schema> {
  return { ...convert(REQUESTS, "input"), ...convert(ANSWERS, "output") };
}

function convert(
  named: Readonly<Record<string, z.ZodType>>,
  io: "input" | "output",
): Record<string, Schema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io, uri: toUri });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  );
}

function toUri(name: string): string {
  return `#/components/schemas/${name}`;
}
