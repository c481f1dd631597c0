import { jsonValueSchema, manifestSchema } from "../../domain/manifest.ts";
import { jsonContent } from "../openapi/schema-reference.ts";
import { PROBLEM_SCHEMAS } from "../problem-errors.ts";
import { purgeRequestSchema } from "./purge-request.ts";
import {
  cacheStatsSchema,
  deletedVersionSchema,
  publishedVersionsSchema,
  purgeSummarySchema,
  runtimeStatsSchema,
  uploadedFileSchema,
} from "./response-schema.ts";

export const SCHEMAS = {
  requests: { PurgeRequest: purgeRequestSchema },
  responses: {
    CacheStatistics: cacheStatsSchema,
    DeletedVersion: deletedVersionSchema,
    JsonValue: jsonValueSchema,
    Manifest: manifestSchema,
    PublishedVersions: publishedVersionsSchema,
    PurgeSummary: purgeSummarySchema,
    RuntimeStatistics: runtimeStatsSchema,
    UploadedFile: uploadedFileSchema,
    ...PROBLEM_SCHEMAS,
  },
} as const;

export const json = jsonContent(SCHEMAS);
