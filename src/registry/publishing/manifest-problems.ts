import { ApiError } from "../../domain/errors.ts";
import { formatModelId, type ModelId } from "../../domain/model-id.ts";
import { clip, MAX_REASON_LENGTH } from "../../shared/quote.ts";

const MAX_LISTED = 20;

/** What is wrong with one field of a manifest. */
export interface ManifestProblem {
  /** `outputs[0].shape` */
  readonly field: string;
  readonly message: string;
  readonly expected?: unknown;
  readonly actual?: unknown;
}

/** The refusal of a manifest, with each field that is wrong. */
export function invalidManifest(
  id: ModelId,
  problems: readonly ManifestProblem[],
  cause?: unknown,
): ApiError {
  const listed = problems
    .slice(0, MAX_LISTED)
    .map(({ field, message }) => (field === "" ? message : `${field}: ${message}`));
  const more = problems.length > MAX_LISTED ? ` (and ${problems.length - MAX_LISTED} more)` : "";
  return new ApiError(
    "invalid_manifest",
    `The manifest of ${formatModelId(id)} is not valid: ${clip(listed.join("; "), 4 * MAX_REASON_LENGTH)}${more}.`,
    {
      cause,
      details: { model: id.name, version: id.version, problems: problems.slice(0, MAX_LISTED) },
    },
  );
}

/** The problems that a schema has found. */
export function schemaProblems({
  issues,
}: {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}): ManifestProblem[] {
  return issues.map(({ path, message }) => ({
    field: formatField(path),
    message: message.replace(/^Invalid input: /, ""),
  }));
}

function formatField(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) =>
      typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`,
    )
    .join("");
}
