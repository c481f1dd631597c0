import { ApiError } from "../../domain/errors.ts";
import type { ModelId } from "../../domain/model-id.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { quote } from "../../shared/quote.ts";

/** Where the digest of a sent file is from: its sender has said it. */
export const REPR_DIGEST = "its repr-digest";

/**
 * @param actual SHA-256 in hexadecimal
 * @param digests by where they are from
 * @throws ApiError `digest_mismatch`
 */
export function checkDigest(
  id: ModelId,
  path: string,
  actual: string,
  digests: Readonly<Record<string, string | undefined>>,
): void {
  for (const [source, expected] of Object.entries(digests)) {
    if (expected === undefined || expected === actual) continue;
    throw new ApiError(
      "digest_mismatch",
      `The SHA-256 of ${quote(path)} of ${formatModelId(id)} is ${actual}, and ${source} says ${expected}: send the right file again, or correct what it says.`,
      { details: { file: path, source, expected, actual } },
    );
  }
}
