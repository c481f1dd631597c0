import { jsonContent } from "../openapi/schema-reference.ts";
import { chatCompletionRequestSchema, chatCompletionResponseSchema } from "./chat-completions.ts";
import { completionRequestSchema, completionResponseSchema } from "./completions.ts";
import { embeddingsRequestSchema, embeddingsResponseSchema } from "./embeddings.ts";
import { openAiErrorSchema } from "./error.ts";
import { openAiModelListSchema, openAiModelSchema, openAiModelStatusSchema } from "./models.ts";
import { transcriptionRequestSchema } from "./transcription-request.ts";
import {
  transcriptionResponseSchema,
  transcriptionSegmentSchema,
  transcriptionUsageSchema,
} from "./transcription-response.ts";

export const SCHEMAS = {
  requests: {
    ChatCompletionRequest: chatCompletionRequestSchema,
    CompletionRequest: completionRequestSchema,
    EmbeddingsRequest: embeddingsRequestSchema,
    TranscriptionRequest: transcriptionRequestSchema,
  },
  responses: {
    ChatCompletionResponse: chatCompletionResponseSchema,
    CompletionResponse: completionResponseSchema,
    EmbeddingsResponse: embeddingsResponseSchema,
    OpenAiError: openAiErrorSchema,
    OpenAiModel: openAiModelSchema,
    OpenAiModelList: openAiModelListSchema,
    OpenAiModelStatus: openAiModelStatusSchema,
    TranscriptionResponse: transcriptionResponseSchema,
    TranscriptionSegment: transcriptionSegmentSchema,
    TranscriptionUsage: transcriptionUsageSchema,
  },
} as const;

export const json = jsonContent(SCHEMAS);
