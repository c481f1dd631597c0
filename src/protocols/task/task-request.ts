import { z } from "zod";
import { ApiError } from "../../domain/errors.ts";
import { describe } from "../../domain/tensor-json.ts";
import { quoteAll } from "../../shared/quote.ts";

/**
 * `{"inputs": ..., "parameters": {...}}`, the request of the Hugging Face task specifications
 * (https://huggingface.co/docs/inference-providers/tasks). What `inputs` may be is up to the model's task.
 */
export const taskRequestSchema = z.strictObject({
  inputs: z
    .unknown()
    .describe(
      "Of tables a row, an object by column name, or a list of either; of pictures and sounds base64 or a data URL, or a list of either; of texts a text, a list of texts, or to compare `{source_sentence, sentences}`; of models without a medium nested numbers.",
    ),
  parameters: z
    .record(z.string(), z.unknown())
    .default({})
    .describe(
      "`top_k` of a classification: how many labels to answer. `threshold` of a detection: the least score. `header` and `delimiter` of a table in CSV. Of a sound `threshold`, `stream` and, of one that goes on, `state`. Of texts `truncate`: whether a long one is cut; `normalize` of vectors; `aggregation_strategy` and `ignore_labels` of token classification.",
    ),
  normalize: z
    .boolean()
    .optional()
    .describe("The parameter, where the specification of feature extraction has it."),
  truncate: z.boolean().optional().describe("Likewise."),
});

/** What a request is, wherever its parameters stood. */
export interface TaskRequest {
  readonly inputs: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** @throws ApiError `invalid_request` */
export function parseTaskRequest(body: unknown): TaskRequest {
  const result = taskRequestSchema.safeParse(body);
  if (result.success) {
    const { inputs, parameters, ...beside } = result.data;
    return { inputs, parameters: { ...beside, ...parameters } };
  }
  throw new ApiError("invalid_request", explain(result.error.issues[0], body));
}

function explain(issue: z.core.$ZodIssue | undefined, body: unknown): string {
  if (issue?.path[0] === "parameters") {
    const { parameters } = body as { parameters: unknown };
    return `"parameters" must be a JSON object; got ${describe(parameters)}.`;
  }
  if (issue?.code === "invalid_type" && issue.expected === "boolean") {
    const name = String(issue.path[0]);
    const value = (body as Record<string, unknown>)[name];
    return `${JSON.stringify(name)} must be true or false; got ${describe(value)}.`;
  }
  if (issue?.code === "unrecognized_keys")
    return `Unknown field ${quoteAll(issue.keys)}: the body has "inputs" and "parameters".`;
  const fields = isPlainObject(body) ? ` with ${quoteAll(Object.keys(body)) || "no fields"}` : "";
  return `The body must be a JSON object such as {"inputs": ...}; got ${describe(body)}${fields}.`;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
