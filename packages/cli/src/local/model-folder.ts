import { createHash } from "node:crypto";
import { type Dirent, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Manifest, parseManifest } from "../../../../src/domain/manifest.ts";
import { compareVersions, MODEL_NAME, MODEL_VERSION } from "../../../../src/domain/model-id.ts";
import { readModel } from "./read-model.ts";
import { reason, UserError } from "./user-error.ts";

/** A version in a folder `{name}/{version}/`, with the unparsed text of its manifest. */
export interface FolderModel {
  manifest: Manifest;
  manifestText: string;
  folder: string;
}

/** What is in a folder of models. */
export interface ScannedFolder {
  /** The valid versions, sorted by name and ascending version. */
  readonly models: readonly FolderModel[];
  /** For each model or version that is not valid its name and the reason, in one line. */
  readonly problems: readonly string[];
}

/**
 * Reads every `{name}/{version}/manifest.json` under a folder, sorted by name and ascending version.
 * @throws UserError when a folder or a manifest is invalid
 */
export function readModelFolder(modelsFolder: string): FolderModel[] {
  const { models, problems } = scanModelFolder(modelsFolder);
  const [problem] = problems;
  if (problem) throw new UserError(problem);
  return [...models];
}

/**
 * {@link readModelFolder} that collects what is not valid.
 * @throws UserError when the folder itself cannot be read
 */
export function scanModelFolder(modelsFolder: string): ScannedFolder {
  const models: FolderModel[] = [];
  const problems: string[] = [];
  /** What the work returns, or `undefined` for a problem. */
  const collect = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  for (const name of listFolders(modelsFolder, "models folder"))
    for (const version of collect(() => listVersions(modelsFolder, name)) ?? []) {
      const model = collect(() => readVersion(join(modelsFolder, name, version), name, version));
      if (model) models.push(model);
    }
  return { models, problems };
}

/** Ascending. */
function listVersions(modelsFolder: string, name: string): string[] {
  if (!MODEL_NAME.test(name))
    throw new UserError(`${join(modelsFolder, name)}: "${name}" is not a valid model name`);
  const versions = listFolders(join(modelsFolder, name), "model folder");
  if (versions.length === 0)
    throw new UserError(`model ${name} has no version: expected ${name}/1/manifest.json`);
  return versions.sort((a, b) => compareVersions(b, a));
}

/** @throws UserError when the size or the SHA-256 of the file differs from the manifest */
export function readModelFile({ manifest, folder }: FolderModel, path: string): Buffer {
  const where = `model ${manifest.name} version ${manifest.version}: file ${path}`;
  const expected = manifest.files.find((file) => file.path === path);
  const bytes = readOrExplain(join(folder, path), where);
  if (bytes.byteLength !== expected?.sizeBytes)
    throw new UserError(
      `${where} has ${bytes.byteLength} bytes, its manifest says ${expected?.sizeBytes}`,
    );
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== expected.sha256)
    throw new UserError(`${where} has SHA-256 ${sha256}, its manifest says ${expected.sha256}`);
  return bytes;
}

function readVersion(folder: string, name: string, version: string): FolderModel {
  if (!MODEL_VERSION.test(version))
    throw new UserError(`model ${name}: version "${version}" must be a positive integer`);
  const where = `model ${name} version ${version}: manifest.json`;
  let manifestText = readOrExplain(join(folder, "manifest.json"), where).toString("utf8");
  let manifest: Manifest;
  try {
    const value = JSON.parse(manifestText);
    const labels = missingLabels(folder, value);
    if (labels) manifestText = `${JSON.stringify({ ...value, labels }, null, 2)}\n`;
    manifest = parseManifest(labels ? { ...value, labels } : value);
  } catch (error) {
    throw new UserError(`${where}: ${reason(error)}`);
  }
  if (manifest.name !== name || manifest.version !== version)
    throw new UserError(`${where} names ${manifest.name} version ${manifest.version}`);
  return { manifest, manifestText, folder };
}

/** The labels in the graph of the model, for a manifest with a task and without labels. */
function missingLabels(folder: string, manifest: unknown): readonly string[] | undefined {
  const { labels, postprocess, format, file } = Object(manifest) as Record<string, unknown>;
  if (labels !== undefined || !postprocess || format !== "onnx" || typeof file !== "string")
    return undefined;
  const path = join(folder, file);
  // What is wrong with the file is reported when it is stored.
  if (!existsSync(path)) return undefined;
  try {
    return readModel(readFileSync(path))?.labels;
  } catch {
    return undefined;
  }
}

function listFolders(folder: string, what: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw new UserError(`${what} ${folder} can't be read: ${reason(error)}`);
  }
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort();
}

/** @throws UserError for a file that cannot be read */
export function readOrExplain(path: string, where: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UserError(`${where} can't be read: ${reason(error)}`);
  }
}
