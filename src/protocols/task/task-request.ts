import { z } from "zod";
import { POSTPROCESS_BLOCKS, PREPROCESS_BLOCKS } from "../../domain/blocks/registry.ts";
import { ApiError } from "../../domain/errors.ts";
import type { TaskRequest } from "../../domain/task.ts";
import { describe } from "../../domain/tensor-json.ts";
import { quoteAll } from "../../shared/quote.ts";

/**
 * `{"inputs": ..., "parameters": {...}}`, the request of the Hugging Face task specifications
 * (https://huggingface.co/docs/inference-providers/tasks). The form of `inputs` depends on the blocks of the model's
 * manifest.
 */
export const taskRequestSchema = z.strictObject({
  inputs: z.unknown().describe(describeInputs()),
  parameters: z.record(z.string(), z.unknown()).default({}).describe(describeParameters()),
  normalize: z
    .boolean()
    .optional()
    .describe(
      "The parameter of that name, at the top level as in Hugging Face's feature extraction.",
    ),
  truncate: z
    .boolean()
    .optional()
    .describe(
      "The parameter of that name, at the top level as in Hugging Face's feature extraction.",
    ),
});

function describeInputs(): string {
  const lines = PREPROCESS_BLOCKS.map(({ type, inputs }) => `\`${type}\`: ${inputs}.`);
  return ["Depends on the `preprocess` block of the model's manifest.", ...lines].join(" ");
}

function describeParameters(): string {
  const blocks = [...PREPROCESS_BLOCKS, ...POSTPROCESS_BLOCKS];
  const lines = blocks.flatMap(({ type, parameters }) => {
    const shape: Readonly<Record<string, z.ZodType>> = parameters.shape;
    const names = Object.entries(shape).map(
      ([name, { description }]) => `\`${name}\`, ${description}`,
    );
    return names.length > 0 ? [`\`${type}\`: ${names.join("; ")}.`] : [];
  });
  return ["Depends on the blocks of the model's manifest.", ...lines].join(" ");
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
