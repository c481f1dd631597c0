import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UPLOAD_PATH } from "../../../../src/domain/upload.ts";
import { explain, usageError } from "../cli-error.ts";
import {
  listFiles,
  type PushSource,
  type SourceFile,
  toSourceFile,
  weightsOf,
} from "./source-files.ts";

export const MANIFEST_FILE = "manifest.json";

/** What describes a model and is no part of it. */
const DOCUMENT = /^(?:readme|licen[cs]e|notice)(?:\.|$)/i;

/** A folder with a `manifest.json`, which may leave out what can be read of the model. */
export async function readManifestFolder(folder: string): Promise<PushSource> {
  const manifest = readManifest(join(folder, MANIFEST_FILE));
  const declared = Array.isArray(manifest.files)
    ? manifest.files.flatMap((entry) => textOf(Object(entry).path))
    : undefined;
  const paths = declared ?? (await modelFiles(folder));
  for (const path of paths) checkPath(folder, path);
  const files = new Map(paths.map((path) => [path, toSourceFile(join(folder, path), path)]));
  for (const model of [...files.values()].filter(({ path }) => path.endsWith(".onnx")))
    for (const weights of await weightsOf(model)) files.set(weights.path, weights);
  return { files: [...files.values()], model: textOf(manifest.file)[0], manifest, notes: [] };
}

/** A manifest is often somebody else's: it names files of its folder, and no others of this machine. */
function checkPath(folder: string, path: string): void {
  if (UPLOAD_PATH.test(path)) return;
  throw usageError(
    `${join(folder, MANIFEST_FILE)} lists ${JSON.stringify(path)}, which is no path in its folder: files are listed by relative paths of up to 200 characters, without "." and ".." segments`,
  );
}

/** Everything but documents, for a manifest without a list of files. */
async function modelFiles(folder: string): Promise<string[]> {
  const paths = await listFiles(folder);
  return paths.filter((path) => path !== MANIFEST_FILE && !DOCUMENT.test(path));
}

function readManifest(path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw usageError(`${path} can't be read: ${explain(error)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw usageError(`${path} is not a manifest: it must be a JSON object`);
}

function textOf(value: unknown): string[] {
  return typeof value === "string" ? [value] : [];
}

/** @throws CliError when a file is not the one that the manifest describes */
export function checkDeclaredDigest(
  manifest: PushSource["manifest"],
  { path, file, sizeBytes }: SourceFile,
  sha256: string,
): void {
  const files: readonly unknown[] = Array.isArray(manifest?.files) ? manifest.files : [];
  const declared = files.map(Object).find((entry) => entry.path === path);
  if (declared === undefined) return;
  if (declared.sha256 !== undefined && declared.sha256 !== sha256)
    throw usageError(
      `${file} has SHA-256 ${sha256}, and ${MANIFEST_FILE} says ${declared.sha256}`,
      "the file is not the one that the manifest describes; correct one of them",
    );
  if (declared.sizeBytes !== undefined && declared.sizeBytes !== sizeBytes)
    throw usageError(
      `${file} has ${sizeBytes} bytes, and ${MANIFEST_FILE} says ${declared.sizeBytes}`,
    );
}
