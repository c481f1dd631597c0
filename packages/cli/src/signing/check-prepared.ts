import type { ModelId } from "../../../../src/domain/model-id.ts";
import { listedFiles } from "../../../../src/domain/signature/manifest-signature.ts";
import { CliError } from "../cli-error.ts";

/**
 * Checks what a server wants to have signed: a signature counts wherever it is shown.
 * @param manifestText what the server will store
 * @param sent SHA-256 of the files that were sent
 * @returns the paths of files that the server has changed or made, for the user to know
 * @throws CliError when the manifest is one of another version, or has no files
 */
export function checkPrepared(
  id: ModelId,
  manifestText: string,
  sent: readonly string[],
): readonly string[] {
  const manifest: unknown = JSON.parse(manifestText);
  const { name, version } = (manifest ?? {}) as Partial<ModelId>;
  const files = listedFiles(manifest);
  if (name !== id.name || version !== id.version || files.length === 0)
    throw new CliError(
      "serverFailed",
      `the server wants a signature of ${name} version ${version}, and ${id.name} version ${id.version} is pushed; nothing was signed`,
    );
  const digests = new Set(sent);
  return files.filter(({ sha256 }) => !digests.has(sha256)).map(({ path }) => path);
}
