import { statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join, posix, relative, sep } from "node:path";
import { explain, usageError } from "../cli-error.ts";
import { scanModelFile } from "./scan-model-file.ts";

/** A file of this machine that is sent. */
export interface SourceFile {
  /** In the version, with slashes. */
  readonly path: string;
  /** On this machine. */
  readonly file: string;
  readonly sizeBytes: number;
}

/** What is sent for a version. */
export interface PushSource {
  readonly files: readonly SourceFile[];
  /** The path of the model, one of `files`. */
  readonly model: string | undefined;
  /** `manifest.json` of the folder, as it is. */
  readonly manifest: Readonly<Record<string, unknown>> | undefined;
  /** What was found or chosen. */
  readonly notes: readonly string[];
}

/** @throws CliError for what cannot be read, and for an empty file */
export function toSourceFile(file: string, path: string): SourceFile {
  try {
    const stats = statSync(file);
    if (!stats.isFile()) throw usageError(`${file} is not a file`);
    if (stats.size === 0) throw usageError(`${file} is empty`);
    return { path, file, sizeBytes: stats.size };
  } catch (error) {
    if (error instanceof Error && "code" in error)
      throw usageError(`${file} can't be read: ${explain(error)}`);
    throw error;
  }
}

/** The files with weights of an ONNX file, which lie where it names them; none for an ORT file. */
export async function weightsOf(model: SourceFile): Promise<SourceFile[]> {
  const { externalPaths } = await scanModelFile(model.file);
  return externalPaths.map((path) => {
    const file = join(dirname(model.file), path);
    try {
      return toSourceFile(file, posix.join(posix.dirname(model.path), path));
    } catch (error) {
      throw usageError(
        `${model.file} has weights in another file: ${explain(error)}`,
        "put it beside the model, or save the model with its weights in one file",
      );
    }
  });
}

/** The paths of the files below a folder, with slashes, without hidden ones. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      throw usageError(`the folder ${folder} can't be read: ${explain(error)}`);
    },
  );
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join("/"))
    .filter((path) => !path.split("/").some((segment) => segment.startsWith(".")))
    .sort();
}

const MODEL_PATH = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The name of a model's file, unless a version can't have such a path. */
export function modelPath(file: string): string {
  const name = basename(file);
  return MODEL_PATH.test(name) ? name : `model${extname(name)}`;
}

/** A model file alone, with its weights. */
export async function readModelSource(file: string): Promise<PushSource> {
  const model = toSourceFile(file, modelPath(file));
  return {
    files: [model, ...(await weightsOf(model))],
    model: model.path,
    manifest: undefined,
    notes: [],
  };
}
