import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { readOrExplain } from "../packages/cli/src/local/model-folder.ts";
import { readModel } from "../packages/cli/src/local/read-model.ts";
import { reason, UserError } from "../packages/cli/src/local/user-error.ts";
import { applyPlan, type VersionFiles } from "../packages/cli/src/local/version-files.ts";
import type { Manifest } from "../src/domain/manifest.ts";
import type { ModelHost } from "../src/domain/model-host.ts";
import type { ModelId } from "../src/domain/model-id.ts";
import { parseExport } from "../src/domain/parse-export.ts";
import type { ModelFiles } from "../src/domain/ports.ts";
import { createCellHost } from "../src/hosts/cell-host.ts";
import type { ModelAdaptation } from "../src/onnx/adapt-model.ts";
import { chooseEncoder, chooseModel } from "../src/registry/exports/choose-model.ts";
import { deriveExport } from "../src/registry/exports/derive-export.ts";
import { toExportManifest } from "../src/registry/exports/export-manifest.ts";
import type { ExportOptions } from "../src/registry/exports/export-types.ts";
import { checkFit, type ExportBudget } from "../src/registry/exports/memory-fit.ts";
import { verifyExport } from "../src/registry/exports/verify-export.ts";
import { createModelPool } from "../src/runtime/model-pool.ts";
import { createTask } from "../src/tasks/registry.ts";
import { toOrtFormat } from "./ort-format.ts";

export interface ExportFolderOptions extends ExportOptions {
  /** Which of several models: the suffix of its file, such as `quantized`, or its path. */
  readonly variant?: string | undefined;
  /** "ort" converts the model to ORT format, which takes about a third of the memory while it is loaded. */
  readonly format: Manifest["format"];
  /** The memory of the model's isolate. */
  readonly budget: ExportBudget;
}

/** Files that an export may have in folders of its own. */
const SUBFOLDERS = ["onnx", "1_Pooling"];

/**
 * The version that a folder of Optimum or transformers.js is, without a manifest of anybody's hand. The model is loaded and run once, by the engine of
 * the Worker within the memory that its isolate has.
 * @param report called with each thing that was found or guessed
 * @throws UserError that says what is wrong with the folder, and what to do
 */
export async function readExportFolder(
  folder: string,
  id: ModelId,
  options: ExportFolderOptions,
  report: (line: string) => void,
): Promise<VersionFiles> {
  try {
    return await readExport(folder, id, options, report);
  } catch (error) {
    throw error instanceof UserError ? error : new UserError(`${folder}: ${reason(error)}`);
  }
}

async function readExport(
  folder: string,
  id: ModelId,
  { variant, context, format, budget }: ExportFolderOptions,
  report: (line: string) => void,
): Promise<VersionFiles> {
  const paths = listFiles(folder);
  const chosen = chooseModel(paths, variant);
  report(chosen.note);
  const read = (path: string): Buffer => readOrExplain(join(folder, path), path);
  const config = await parseExport(async (path) => (paths.includes(path) ? read(path) : undefined));
  const contents = new Map<string, Buffer>();
  const host = createNodeHost(contents, budget);
  /** One of the models as it is published, loaded once. */
  const load = async (path: string, name: string) => {
    const asSent = read(path);
    const adaptation = readModel(asSent);
    const onnx = adaptation ? await mergeWeights(folder, path, asSent, adaptation) : asSent;
    const bytes =
      format === "ort" && adaptation ? Buffer.from(await toOrtFormat(onnx, "all")) : onnx;
    const file = `${name}.${adaptation && format === "onnx" ? "onnx" : "ort"}`;
    contents.set(file, bytes);
    const written = adaptation ? format : ("ort" as const);
    const candidate = { id, format: written, ...toEntry(file, bytes) };
    const description = await host.describe(candidate, () => undefined);
    return { asSent, adaptation, file, format: written, ...description };
  };
  const model = await load(chosen.path, "model");
  const { adaptation, asSent } = model;
  const description = { inputs: model.inputs, outputs: model.outputs };
  const encoder = config.config?.is_encoder_decoder ? await loadEncoder() : undefined;
  const attentionCaches = adaptation?.attentionCaches ?? [];
  const task = deriveExport({ ...description, attentionCaches, encoder }, config, { context });

  async function loadEncoder() {
    const { path, note } = chooseEncoder(paths, chosen.path);
    report(note);
    const { file, format: written, inputs, outputs } = await load(path, "encoder");
    return { file, format: written, inputs: [...inputs], outputs: [...outputs] };
  }

  for (const { path, text } of task.files)
    contents.set(path, text === undefined ? read(path) : Buffer.from(text));
  const derived = toExportManifest({
    id,
    format: model.format,
    files: [...contents].map(([path, bytes]) => toEntry(path, bytes)),
    ...(adaptation?.changes.length &&
      format === "onnx" && {
        original: { ...toEntry("", asSent), changes: [...adaptation.changes] },
      }),
    description,
    encoder,
    task,
    createdAt: new Date(),
  });
  checkFit(derived, budget);
  const verified = await verifyExport(host, derived, budget);
  for (const note of [...task.notes, ...verified.notes]) report(note);
  return {
    manifest: verified.manifest,
    manifestText: `${JSON.stringify(verified.manifest, null, 2)}\n`,
    read: (path) => contents.get(path) ?? read(path),
  };
}

/** Relative to the folder, with those of its subfolders that exports have. */
function listFiles(folder: string): string[] {
  const list = (path: string): string[] => {
    try {
      return readdirSync(join(folder, path), { withFileTypes: true })
        .filter((entry) => entry.isFile() || entry.isSymbolicLink())
        .map(({ name }) => join(path, name));
    } catch (error) {
      if (path !== "") return [];
      throw new UserError(`the folder ${folder} can't be read: ${reason(error)}`);
    }
  };
  return ["", ...SUBFOLDERS].flatMap(list).sort();
}

/** The model with its weights that are in other files, whose names are relative to its own. */
async function mergeWeights(
  folder: string,
  modelPath: string,
  model: Buffer,
  adaptation: ModelAdaptation,
): Promise<Buffer> {
  if (adaptation.changes.length === 0) return model;
  const weights = new Map(
    adaptation.externalPaths.map((path) => {
      const place = join(dirname(modelPath), path);
      return [
        path,
        readOrExplain(join(folder, place), `${place}, which has weights of ${modelPath},`),
      ];
    }),
  );
  const sizes = new Map([...weights].map(([path, { byteLength }]) => [path, byteLength]));
  return applyPlan(model, adaptation.plan(sizes), weights);
}

function toEntry(path: string, bytes: Uint8Array): Manifest["files"][number] {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { path, sha256, sizeBytes: bytes.byteLength };
}

/** A host in this process, within the memory that a model's isolate has. */
function createNodeHost(contents: ReadonlyMap<string, Buffer>, budget: ExportBudget): ModelHost {
  const runtime = createModelPool({ budgetBytes: budget.bytes, budgetSetting: budget.setting });
  const tools = {
    decodeImage: () => {
      throw new Error("an export reads no images");
    },
  };
  const files: ModelFiles = {
    async file(_id, path) {
      const bytes = contents.get(path);
      if (!bytes) return undefined;
      const body = new Blob([Uint8Array.from(bytes)]).stream();
      return { sizeBytes: bytes.byteLength, body };
    },
  };
  const hostOf = createCellHost({
    runtime,
    createTask: (manifest, readFile) => createTask(manifest, readFile, tools),
  });
  return hostOf(files);
}
