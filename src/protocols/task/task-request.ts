import { ApiError } from "../../domain/errors.ts";
import { describe } from "../../domain/tensor-json.ts";

/**
 * `{"inputs": ..., "parameters": {...}}`, the request of the Hugging Face task specifications
 * (https://huggingface.co/docs/inference-providers/tasks).
 */
export interface TaskRequest {
  readonly inputs: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** @throws ApiError `invalid_request` */
export function parseTaskRequest(body: unknown): TaskRequest {
  if (typeof body !== "object" || body === null || Array.isArray(body) || !("inputs" in body))
    throw new ApiError(
      "invalid_request",
      `The body must be a JSON object such as {"inputs": ...}; got ${describe(body)}${isPlainObject(body) ? ` with ${Object.keys(body).join(", ") || "no fields"}` : ""}.`,
    );
  const { inputs, parameters = {}, ...rest } = body as Record<string, unknown>;
  const unknown = Object.keys(rest);
  if (unknown.length > 0)
    throw new ApiError(
      "invalid_request",
      `Unknown field ${unknown.map((name) => JSON.stringify(name)).join(", ")}: the body has "inputs" and "parameters".`,
    );
  if (!isPlainObject(parameters))
    throw new ApiError(
      "invalid_request",
      `"parameters" must be a JSON object; got ${describe(parameters)}.`,
    );
  return { inputs, parameters };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
