import * as z from "zod";
import { withoutNulls } from "../domain/absent-nulls.ts";
import { TRUNCATION_DIRECTIONS } from "../domain/blocks/preprocess/tokenizer.ts";
import { POSTPROCESS_BLOCKS, PREPROCESS_BLOCKS } from "../domain/blocks/registry.ts";
import { ApiError } from "../domain/errors.ts";
import type { TaskRequest } from "../domain/task.ts";
import { describe } from "../domain/tensor-json.ts";
import { quoteAll } from "../shared/quote.ts";

/**
 * `{"inputs": ..., "parameters": {...}}`, the request of the Hugging Face task specifications
 * (https://huggingface.co/docs/inference-providers/tasks). The form of `inputs` depends on the blocks of the model's
 * manifest.
 */
const beside =
  "The parameter of that name, at the top level as in Hugging Face's feature extraction.";

/** What concerns Hugging Face's servers alone. */
const options = z
  .looseObject({
    use_cache: z.boolean().nullish(),
    wait_for_model: z.boolean().nullish(),
    use_gpu: z.boolean().nullish(),
  })
  .describe("Accepted from Hugging Face's clients, and ignored: no option changes a prediction.");

export const taskRequestSchema = z.strictObject({
  inputs: z.unknown().describe(describeInputs()),
  parameters: z.record(z.string(), z.unknown()).nullish().describe(describeParameters()),
  options: options.nullish(),
  stream: z
    .boolean()
    .nullish()
    .describe(
      "Whether the result is sent in parts, as server-sent events; only of tasks that generate it step by step.",
    ),
  normalize: z.boolean().nullish().describe(beside),
  truncate: z.boolean().nullish().describe(beside),
  prompt_name: z.string().nullish().describe(beside),
  dimensions: z.int().nullish().describe(beside),
  truncation_direction: z
    .enum(TRUNCATION_DIRECTIONS)
    // Other spellings are accepted, but generators of clients make one name of "left" and "Left".
    .meta({ enum: ["left", "right"] })
    .nullish()
    .describe(beside),
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
  refuseProto(body);
  const result = taskRequestSchema.safeParse(withoutNulls(taskRequestSchema, body));
  if (result.success) {
    const { inputs, parameters, options, stream, ...rest } = result.data;
    return {
      inputs,
      parameters: { ...present(rest), ...parameters },
      ...(typeof stream === "boolean" && { stream }),
    };
  }
  throw new ApiError("invalid_request", explain(result.error.issues[0], body));
}

/** A schema ignores this name, and no task has a parameter of it. @throws ApiError `invalid_request` */
function refuseProto(body: unknown): void {
  const parameters = isPlainObject(body) && body.parameters;
  if (!isPlainObject(parameters)) return;
  if (Object.hasOwn(parameters, "__proto__"))
    throw new ApiError("invalid_request", 'No task has a parameter "__proto__".');
}

/** Without fields that are null or absent. */
function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(entries);
}

function explain(issue: z.core.$ZodIssue | undefined, body: unknown): string {
  if (issue?.path[0] === "parameters") {
    return `"parameters" must be a JSON object; got ${describe(fieldOf(body, "parameters"))}.`;
  }
  if (issue?.path.length === 1 && issue.code === "invalid_type" && issue.expected === "boolean") {
    const name = String(issue.path[0]);
    const value = fieldOf(body, name);
    return `${JSON.stringify(name)} must be true or false; got ${describe(value)}.`;
  }
  if (issue?.path[0] === "options") return explainOptions(issue, body);
  if (issue?.path[0] === "truncation_direction")
    return `"truncation_direction" must be "left" or "right"; got ${describe(fieldOf(body, "truncation_direction"))}.`;
  if (issue?.code === "unrecognized_keys")
    return `Unknown field ${quoteAll(issue.keys)}: the body has "inputs" and "parameters".`;
  const fields = isPlainObject(body) ? ` with ${quoteAll(Object.keys(body)) || "no fields"}` : "";
  return `The body must be a JSON object such as {"inputs": ...}; got ${describe(body)}${fields}.`;
}

function explainOptions({ path }: z.core.$ZodIssue, body: unknown): string {
  const given = fieldOf(body, "options");
  const name = path[1];
  return name === undefined
    ? `"options" must be a JSON object; got ${describe(given)}.`
    : `"options.${String(name)}" must be true or false; got ${describe(fieldOf(given, String(name)))}.`;
}

function fieldOf(object: unknown, name: string): unknown {
  return (object as Record<string, unknown>)[name];
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
