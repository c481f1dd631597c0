/**
 * All names of OpenTelemetry's conventions for generative AI that the service uses, in events, in spans of the platform and in what is
 * exported (https://opentelemetry.io/docs/specs/semconv/gen-ai/, as @opentelemetry/semantic-conventions 1.45 has them).
 */
export const GEN_AI = {
  operationName: "gen_ai.operation.name",
  outputType: "gen_ai.output.type",
  providerName: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  responseModel: "gen_ai.response.model",
  finishReasons: "gen_ai.response.finish_reasons",
  /** Of spans, in seconds: {@link timeToFirstToken} is the name of a metric. */
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  inputTokens: "gen_ai.usage.input_tokens",
  cachedTokens: "gen_ai.usage.cache_read.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  timeToFirstToken: "gen_ai.server.time_to_first_token",
} as const;

/** `gen_ai.provider.name`. */
export const GEN_AI_PROVIDER = "onnxflare";

/** Values of `gen_ai.operation.name`. */
export const GEN_AI_OPERATIONS = {
  chat: "chat",
  completion: "text_completion",
  embeddings: "embeddings",
  other: "generate_content",
} as const;
