import * as z from "zod";
import { toBytes } from "../../domain/tensor.ts";
import { TokenIds } from "../../domain/token-ids.ts";
import { parseWith } from "../parse.ts";
import { tokenIdsField } from "./token-ids-field.ts";

/** `POST /v1/embeddings` of OpenAI's API (https://platform.openai.com/docs/api-reference/embeddings). */

/** The limit of OpenAI's API. */
const MAX_INPUTS = 2048;

const text = z.string().min(1, "a text of at least one character");
const tokens = tokenIdsField("Token ids of the model's own tokenizer, with its special tokens.");

/** Fields of servers that are compatible with OpenAI's, where they cannot change the vectors. */
const IGNORED = "Accepted from clients of other servers, and ignored.";
const COMPATIBLE_FIELDS = {
  input_type: z
    .string()
    .nullish()
    .describe(`${IGNORED} No model has instructions for queries or passages.`),
  truncate_prompt_tokens: z
    .int()
    .min(-1)
    .nullish()
    .describe("-1, or at least as many tokens as the model reads; fewer are refused."),
  add_special_tokens: z
    .literal(true)
    .nullish()
    .describe("Only true: a model reads its special tokens."),
  modality: z.literal("text").nullish().describe("Only text."),
  embedding_type: z.literal("float").nullish().describe("Only float."),
  embedding_types: z.array(z.literal("float")).max(8).nullish().describe("Only float."),
  output_dtype: z.literal("float").nullish().describe("Only float."),
  embd_normalize: z
    .literal(2)
    .nullish()
    .describe("Only 2: vectors are scaled to length 1, as by `normalize`."),
  stream: z.literal(false).nullish().describe("Only false."),
  metadata: z.record(z.string(), z.unknown()).nullish().describe(IGNORED),
  cache_salt: z.string().nullish().describe(IGNORED),
  priority: z.int().nullish().describe(IGNORED),
  request_id: z.string().nullish().describe(IGNORED),
};

export const embeddingsRequestSchema = z.strictObject({
  model: z.string().describe("The name of a model, or `name@version`."),
  input: z
    .union(
      [text, z.array(text).min(1).max(MAX_INPUTS), tokens, z.array(tokens).min(1).max(MAX_INPUTS)],
      `a text, 1 to ${MAX_INPUTS} texts, the token ids of a text, or those of 1 to ${MAX_INPUTS} texts`,
    )
    .describe("A text, up to 2048 texts, token ids of one text, or of several."),
  encoding_format: z
    .enum(["float", "base64"])
    .nullable()
    .default("float")
    .describe("Numbers, or the bytes of little-endian FP32 in Base64."),
  dimensions: z
    .int()
    .min(1)
    .nullish()
    .describe("Must be the size of the model's vectors, which cannot be shortened."),
  user: z.string().nullish().describe("Accepted, and ignored."),
  truncate: z
    .union([z.boolean(), z.enum(["NONE", "START", "END"])], "true, false, NONE, START or END")
    .nullable()
    .default(false)
    .describe(
      "Whether a text that is too long for the model is truncated: false or NONE, true or END, or START at its beginning. Not part of OpenAI's API.",
    ),
  normalize: z
    .boolean()
    .nullish()
    .describe("Whether vectors are scaled to length 1; as the manifest says by default."),
  ...COMPATIBLE_FIELDS,
});

export interface EmbeddingsRequest {
  readonly model: string;
  readonly inputs: readonly (string | TokenIds)[];
  readonly encoding: "float" | "base64";
  readonly dimensions: number | undefined;
  readonly truncatePromptTokens: number | undefined;
  /** Of the model's task. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** @throws ApiError `invalid_request` that names the field */
export function parseEmbeddingsRequest(body: unknown): EmbeddingsRequest {
  const request = parseWith(embeddingsRequestSchema, body);
  const { model, input, encoding_format, dimensions, truncate, truncate_prompt_tokens } = request;
  const normalize = request.normalize ?? (request.embd_normalize === 2 ? true : undefined);
  return {
    model,
    inputs: toInputs(input),
    encoding: encoding_format ?? "float",
    dimensions: dimensions ?? undefined,
    truncatePromptTokens: truncate_prompt_tokens ?? undefined,
    parameters: {
      truncate: truncate === true || truncate === "START" || truncate === "END",
      ...(truncate === "START" ? { truncation_direction: "left" } : {}),
      ...(normalize === undefined ? {} : { normalize }),
    },
  };
}

function toInputs(
  input: z.output<typeof embeddingsRequestSchema>["input"],
): readonly (string | TokenIds)[] {
  if (typeof input === "string") return [input];
  const [first] = input;
  if (typeof first === "number") return [new TokenIds(input as number[])];
  return (input as (string | number[])[]).map((one) =>
    typeof one === "string" ? one : new TokenIds(one),
  );
}

export const embeddingsResponseSchema = z.strictObject({
  object: z.literal("list"),
  data: z.array(
    z.strictObject({
      object: z.literal("embedding"),
      index: z.int().min(0),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  model: z.string(),
  usage: z.strictObject({
    prompt_tokens: z.int().min(0).describe("Tokens that the model read, special ones included."),
    total_tokens: z.int().min(0),
  }),
});

export type EmbeddingsResponse = z.output<typeof embeddingsResponseSchema>;

/** @param vectors one for each input, in their order */
export function toEmbeddingsResponse(
  { model, encoding }: EmbeddingsRequest,
  vectors: readonly (readonly number[])[],
  tokens: number,
): EmbeddingsResponse {
  return {
    object: "list",
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: encoding === "base64" ? toBase64(vector) : [...vector],
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function toBase64(vector: readonly number[]): string {
  let letters = "";
  for (const byte of toBytes(Float32Array.from(vector))) letters += String.fromCharCode(byte);
  return btoa(letters);
}
