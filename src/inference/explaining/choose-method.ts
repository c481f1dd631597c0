import { ApiError } from "../../domain/errors.ts";
import { formatModelId } from "../../domain/model-id.ts";
import type { ExplanationMethod, ExplanationRequest } from "../../explain/method.ts";

/**
 * The first method that suits the version and the input.
 * @throws ApiError `invalid_request` when there is none
 */
export async function chooseMethod(
  methods: readonly ExplanationMethod[],
  request: ExplanationRequest,
): Promise<ExplanationMethod> {
  for (const method of methods) if (await method.suits(request)) return method;
  const { manifest } = request.version.model;
  const { task } = manifest;
  throw new ApiError(
    "invalid_request",
    `${formatModelId(manifest)} cannot be explained${task ? `: its task is ${task}` : ""}. What can be are tables and arrays of numbers, texts that are classified, embedded or generated, pictures that are classified or in which objects are detected, and recordings.`,
    { details: { model: manifest.name, version: manifest.version } },
  );
}
