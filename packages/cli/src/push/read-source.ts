import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { usageError } from "../cli-error.ts";
import { readExportFolder } from "./export-folder.ts";
import { MANIFEST_FILE, readManifestFolder } from "./manifest-folder.ts";
import { type PushSource, readModelSource } from "./source-files.ts";

/**
 * What `push PATH` sends: a model file, a folder with a manifest, or one that a program has exported.
 * @throws CliError that names the path, and what it may be
 */
export async function readSource(path: string, variant: string | undefined): Promise<PushSource> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats)
    throw usageError(
      `there is no ${path}`,
      "name an ONNX or ORT file, a folder with a manifest.json, or an export folder",
    );
  if (stats.isDirectory() && existsSync(join(path, MANIFEST_FILE))) {
    if (variant !== undefined)
      throw usageError("--variant is for export folders, and the folder has a manifest.json");
    return readManifestFolder(path);
  }
  if (stats.isDirectory()) return readExportFolder(path, variant);
  if (variant !== undefined)
    throw usageError(`--variant is for export folders, and ${path} is a file`);
  return readModelSource(path);
}
