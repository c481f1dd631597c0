import * as z from "zod";
import { chatLogprobsSchema } from "./chat-form.ts";
import { messagesSchema } from "./chat-messages.ts";
import { generationFields, type TokenLimit } from "./generation-fields.ts";
import { parseGeneration, type RefusedFields, refuse } from "./parse-generation.ts";
import { responseFormatSchema } from "./response-format.ts";
import { usageSchema } from "./usage.ts";

/** `POST /v1/chat/completions` of OpenAI's API (https://platform.openai.com/docs/api-reference/chat). */

const WITHOUT_EFFECT = "Accepted, and without effect.";
/** The value of a refused field with which nothing is asked for. */
const only = (value: string) => z.literal(value).optional().describe(`Only ${value}.`);
const maxTokens = z.int().min(1).optional();

export const chatCompletionRequestSchema = z.strictObject({
  ...generationFields,
  messages: messagesSchema,
  max_completion_tokens: maxTokens.describe(
    "Tokens of a choice at most; by default as many as the model's manifest says.",
  ),
  max_tokens: maxTokens.describe("The earlier name of `max_completion_tokens`."),
  logprobs: z
    .boolean()
    .default(false)
    .describe("Whether the logarithms of the tokens' probabilities are returned."),
  top_logprobs: z
    .int()
    .min(0)
    .max(20)
    .optional()
    .describe(
      "With `logprobs`: how many of the most probable tokens are returned with each token.",
    ),
  response_format: responseFormatSchema.optional(),
  modalities: z.array(z.literal("text")).length(1).optional().describe("Only text."),
  tool_choice: only("none"),
  function_call: only("none"),
  reasoning_effort: only("none"),
  service_tier: z.enum(["auto", "default"]).optional().describe(WITHOUT_EFFECT),
  store: z.literal(false).optional().describe("Only false."),
  prompt_cache_key: z.string().optional().describe(WITHOUT_EFFECT),
  safety_identifier: z.string().optional().describe(WITHOUT_EFFECT),
});

const NO_TOOLS = "the model calls no tools";
const NO_RETENTION = "how long a prompt is kept depends on the memory that there is";
const NO_REASONING = "the model has no such setting";

/** Exported for its test. */
export const REFUSED_CHAT_FIELDS: RefusedFields = {
  tools: NO_TOOLS,
  tool_choice: { reason: NO_TOOLS, unless: "none" },
  parallel_tool_calls: NO_TOOLS,
  functions: NO_TOOLS,
  function_call: { reason: NO_TOOLS, unless: "none" },
  web_search_options: NO_TOOLS,
  audio: "the model generates no audio",
  prediction: "each token is generated",
  moderation: "texts are not moderated",
  reasoning_effort: { reason: NO_REASONING, unless: "none" },
  verbosity: NO_REASONING,
  prompt_cache_options: NO_RETENTION,
  prompt_cache_retention: NO_RETENTION,
};

export interface ChatCompletionRequest extends z.output<typeof chatCompletionRequestSchema> {
  readonly limit: TokenLimit;
}

/** @throws ApiError `invalid_request` that names the field */
export function parseChatCompletion(body: unknown): ChatCompletionRequest {
  const request = parseGeneration(chatCompletionRequestSchema, REFUSED_CHAT_FIELDS, body);
  const { max_tokens, max_completion_tokens, logprobs, top_logprobs } = request;
  if (top_logprobs !== undefined && !logprobs)
    throw refuse("top_logprobs", "top_logprobs has an effect only with logprobs true.");
  if (
    max_tokens !== undefined &&
    max_completion_tokens !== undefined &&
    max_tokens !== max_completion_tokens
  )
    throw refuse(
      "max_tokens",
      `max_tokens is ${max_tokens}, and max_completion_tokens ${max_completion_tokens}: send one of them.`,
    );
  const limit =
    max_tokens === undefined
      ? { field: "max_completion_tokens", tokens: max_completion_tokens }
      : { field: "max_tokens", tokens: max_tokens };
  return { ...request, limit };
}

export const chatCompletionResponseSchema = z.strictObject({
  id: z.string(),
  object: z.literal("chat.completion"),
  created: z.int().describe("In seconds since the epoch."),
  model: z.string(),
  system_fingerprint: z.string().describe("Another one for another version of the model."),
  choices: z.array(
    z.strictObject({
      index: z.int().min(0),
      message: z.strictObject({
        role: z.literal("assistant"),
        content: z.string(),
        refusal: z.null(),
      }),
      logprobs: chatLogprobsSchema.nullable(),
      finish_reason: z.enum(["stop", "length"]),
    }),
  ),
  usage: usageSchema,
});
