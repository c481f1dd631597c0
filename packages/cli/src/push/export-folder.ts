import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CHAT_TEMPLATE_PATH, EXPORT_PATHS } from "../../../../src/domain/parse-export.ts";
import { chooseEncoder, chooseModel } from "../../../../src/registry/exports/choose-model.ts";
import { explain, usageError } from "../cli-error.ts";
import { MANIFEST_FILE } from "./manifest-folder.ts";
import { listFiles, modelPath, type PushSource, toSourceFile, weightsOf } from "./source-files.ts";

/** Under this name the server looks for the encoder of a decoder. */
const ENCODER_FILE = "encoder_model.onnx";
/** A label in each line. */
const LABELS_FILE = "labels.txt";
const MODEL_FILE = /\.(?:onnx|ort)$/;

/**
 * A folder that Optimum or transformers.js has exported, or one with a model alone. Of several models one is sent, with its weights, its encoder and the files of
 * configuration; they lie side by side in the version.
 * @param variant a suffix such as `quantized`, or the path of a model
 */
export async function readExportFolder(
  folder: string,
  variant: string | undefined,
): Promise<PushSource> {
  const paths = await listFiles(folder);
  const models = paths.filter((path) => MODEL_FILE.test(path));
  refuseSeveral(folder, paths);
  const [only] = models;
  const wish = variant ?? (models.length === 1 ? only : undefined);
  const chosen = choose(folder, () => chooseModel(paths, wish));
  const model = toSourceFile(join(folder, chosen.path), modelPath(chosen.path));
  const files = [model, ...(await weightsOf(model))];
  const notes = models.length > 1 ? [chosen.note] : [];
  if (isEncoderDecoder(folder, paths)) {
    const found = choose(folder, () => chooseEncoder(paths, chosen.path));
    const encoder = toSourceFile(join(folder, found.path), ENCODER_FILE);
    files.push(encoder, ...(await weightsOf(encoder)));
    notes.push(found.note);
  }
  for (const path of [...Object.values(EXPORT_PATHS), CHAT_TEMPLATE_PATH, LABELS_FILE])
    if (paths.includes(path)) files.push(toSourceFile(join(folder, path), path));
  return { files, model: model.path, manifest: undefined, notes };
}

/** The folder of a model, or of all of them, has those of versions in it. */
function refuseSeveral(folder: string, paths: readonly string[]): void {
  const versions = paths.filter((path) => basename(path) === MANIFEST_FILE).map(dirname);
  const [first] = versions;
  if (first === undefined) return;
  throw usageError(
    `${folder} has the folders of ${versions.length} versions`,
    `push one of them: onnxflare push ${join(folder, first)}`,
  );
}

function choose<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw usageError(`${folder}: ${explain(error)}`);
  }
}

/** What is wrong with the file of configuration is said by the server, which reads all of it. */
function isEncoderDecoder(folder: string, paths: readonly string[]): boolean {
  if (!paths.includes(EXPORT_PATHS.config)) return false;
  try {
    const config: unknown = JSON.parse(readFileSync(join(folder, EXPORT_PATHS.config), "utf8"));
    return Object(config).is_encoder_decoder === true;
  } catch {
    return false;
  }
}
