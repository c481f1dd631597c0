import * as z from "zod";
import { TokenIds } from "../../domain/token-ids.ts";
import type { ChoiceDelta, EchoedToken } from "./choice-text.ts";
import type { ChoiceForm } from "./generation-chunks.ts";
import { generationFields, MAX_CHOICES } from "./generation-fields.ts";
import {
  checkChoiceCount,
  parseGeneration,
  type RefusedFields,
  refuse,
} from "./parse-generation.ts";
import { tokenIdsField } from "./token-ids-field.ts";
import { usageSchema } from "./usage.ts";

/** `POST /v1/completions` of OpenAI's API (https://platform.openai.com/docs/api-reference/completions). */

const text = z.string();
const tokens = tokenIdsField("Token ids of the model's own tokenizer, read as they are.");

export const completionRequestSchema = z.strictObject({
  ...generationFields,
  prompt: z
    .union(
      [
        text,
        z.array(text).min(1).max(MAX_CHOICES),
        tokens,
        z.array(tokens).min(1).max(MAX_CHOICES),
      ],
      `a text, 1 to ${MAX_CHOICES} texts, the token ids of a text, or those of 1 to ${MAX_CHOICES} texts`,
    )
    .describe("A text, up to 128 texts, token ids of one text, or of several."),
  max_tokens: z
    .int()
    .min(0)
    .default(16)
    .describe("Tokens of a choice at most; 0 only with `echo`."),
  echo: z
    .boolean()
    .default(false)
    .describe(
      "Whether a choice begins with its prompt. With `logprobs` its tokens have probabilities, and it is read token by token.",
    ),
  logprobs: z
    .int()
    .min(0)
    .max(5)
    .optional()
    .describe("How many of the most probable tokens are returned beside each token."),
  best_of: z.int().min(1).optional().describe("Only the value of `n`: all choices are returned."),
});

/** Exported for its test. */
export const REFUSED_COMPLETION_FIELDS: RefusedFields = {
  suffix: "the model writes what follows a prompt, and not what is between two texts",
};

export interface CompletionsRequest extends z.output<typeof completionRequestSchema> {
  readonly prompts: readonly (string | TokenIds)[];
}

/** @throws ApiError `invalid_request` that names the field */
export function parseCompletions(body: unknown): CompletionsRequest {
  const request = parseGeneration(completionRequestSchema, REFUSED_COMPLETION_FIELDS, body);
  const { n, best_of = n, echo } = request;
  const prompts = toPrompts(request.prompt);
  if (best_of !== n)
    throw refuse("best_of", `best_of must be n, which is ${n}: all choices are returned.`);
  if (request.max_tokens === 0 && !echo)
    throw refuse("max_tokens", "max_tokens is 0, which only has a result with echo true.");
  checkChoiceCount(prompts.length, n);
  return { ...request, prompts };
}

function toPrompts(
  prompt: z.output<typeof completionRequestSchema>["prompt"],
): readonly (string | TokenIds)[] {
  if (typeof prompt === "string") return [prompt];
  if (typeof prompt[0] === "number") return [new TokenIds(prompt as number[])];
  return (prompt as (string | number[])[]).map((one) =>
    typeof one === "string" ? one : new TokenIds(one),
  );
}

const completionLogprobs = z.strictObject({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable().describe("Null for the first token of a text.")),
  top_logprobs: z
    .array(z.record(z.string(), z.number()).nullable())
    .describe("The most probable tokens, and the one that was chosen."),
  text_offset: z.array(z.int()).describe("Where each token begins in the text, in characters."),
});

export const completionResponseSchema = z.strictObject({
  id: z.string(),
  object: z.literal("text_completion"),
  created: z.int().describe("In seconds since the epoch."),
  model: z.string(),
  system_fingerprint: z.string().describe("Another one for another version of the model."),
  choices: z.array(
    z.strictObject({
      index: z.int().min(0),
      text: z.string(),
      logprobs: completionLogprobs.nullable(),
      finish_reason: z.enum(["stop", "length"]),
    }),
  ),
  usage: usageSchema,
});

/** Choices in the form of completions. */
export function createCompletionForm({
  prompts,
  n,
  echo,
  logprobs,
}: CompletionsRequest): ChoiceForm {
  /** The choice that is streamed, and where its next token begins. */
  let streamed = -1;
  let offset = 0;
  const echoOf = (index: number, tokens: readonly EchoedToken[] = []): string => {
    const prompt = prompts[Math.floor(index / n)];
    if (!echo) return "";
    return typeof prompt === "string"
      ? prompt.toWellFormed()
      : tokens.map(({ token }) => token.text).join("");
  };
  const toLogprobs = (tokens: readonly EchoedToken[]): object | null => {
    if (logprobs === undefined) return null;
    const offsets = tokens.map(({ token }) => {
      const start = offset;
      offset += characters(token.text);
      return start;
    });
    return {
      tokens: tokens.map(({ token }) => token.text),
      token_logprobs: tokens.map(({ token }) => token.logprob),
      top_logprobs: tokens.map(({ token, top }) =>
        token.logprob === null
          ? null
          : Object.fromEntries([...top, token].map((each) => [each.text, each.logprob])),
      ),
      text_offset: offsets,
    };
  };
  return {
    object: "text_completion",
    chunkObject: "text_completion",
    hasLogprobs: logprobs !== undefined,
    whole({ index, text, tokens, prompt = [], finishReason }) {
      offset = 0;
      return {
        index,
        text: echoOf(index, prompt) + text,
        logprobs: toLogprobs([...prompt, ...tokens]),
        finish_reason: finishReason,
      };
    },
    chunks({ index, text, tokens, prompt = [], finishReason }: ChoiceDelta) {
      const isFirst = index !== streamed;
      if (isFirst) offset = 0;
      streamed = index;
      const sent = isFirst ? echoOf(index, prompt) + text : text;
      const all = [...prompt, ...tokens];
      const isEmpty = sent === "" && (logprobs === undefined || all.length === 0);
      if (isEmpty && !finishReason) return [];
      return [
        { index, text: sent, logprobs: toLogprobs(all), finish_reason: finishReason ?? null },
      ];
    },
  };
}

/** Code points, as Python counts. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
