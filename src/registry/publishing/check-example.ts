import { createCall } from "../../domain/call.ts";
import { ApiError, isLackOfMemory } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { ModelHost } from "../../domain/model-host.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { describeDifference, findDifference } from "./example-difference.ts";
import { toUnpublished } from "./unpublished.ts";

/**
 * Runs the example of a manifest, and compares the answer.
 * @throws ApiError `example_mismatch` with both answers, also for an example that cannot be run; `out_of_memory` and the like
 */
export async function checkExample(
  host: Pick<ModelHost, "execute">,
  manifest: Manifest,
): Promise<void> {
  const { example, preprocess, postprocess } = manifest;
  if (!example || !preprocess || !postprocess) return;
  const { inputs, parameters: given = {}, output: expected, tolerance, engine } = example;
  const refuse = (why: string, details: object, cause?: unknown): ApiError =>
    new ApiError(
      "example_mismatch",
      `${formatModelId(manifest)} cannot be published: ${why}. Correct the example, the blocks of the manifest or the model.`,
      { cause, details: { field: "example", ...details } },
    );
  // As many labels as the example has: by default the block may return fewer.
  const parameters =
    postprocess.type === "classification" && Array.isArray(expected) && expected.length > 0
      ? { ...given, top_k: expected.length }
      : given;
  let actual: unknown;
  try {
    const request = { model: toUnpublished(manifest), inputs, parameters };
    const result = await host.execute(request, createCall());
    if (result.kind === "stream") throw new Error("the result is a stream");
    actual = JSON.parse(JSON.stringify(result.value));
  } catch (error) {
    if (!(error instanceof ApiError) || isLackOfMemory(error) || error.kind.retryable) throw error;
    throw refuse(`its example cannot be run: ${error.message.replace(/\.$/, "")}`, {}, error);
  }
  const difference = findDifference(actual, expected, tolerance, postprocess.type);
  if (!difference) return;
  throw refuse(
    `its example has another answer: ${describeDifference(difference)} (computed by ${engine}), with the tolerance ${tolerance}`,
    {
      path: difference.path,
      expected: difference.expected,
      actual: difference.actual,
      tolerance,
    },
  );
}
