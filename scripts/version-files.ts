import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Manifest, parseManifest } from "../src/domain/manifest.ts";
import type { ModelAdaptation } from "../src/onnx/adapt-model.ts";
import { applyEdits, type EditPlan } from "../src/onnx/edit.ts";
import { type FolderModel, readModelFile, readOrExplain } from "./model-folder.ts";
import { readModel } from "./read-model.ts";
import { reason, UserError } from "./user-error.ts";

/** What is stored of a version. */
export interface VersionFiles {
  readonly manifest: Manifest;
  readonly manifestText: string;
  /** The bytes of `manifest.files`, by path. */
  read(path: string): Buffer;
}

/**
 * A version of a folder as it is stored: as it is, or, as when it is published, with tensors instead of the maps of a
 * ZipMap, and with weights that were in other files.
 * @throws UserError that names the model, version and file that cannot be read, or differs from its manifest
 */
export async function toVersionFiles(model: FolderModel): Promise<VersionFiles> {
  const { manifest, manifestText } = model;
  const file = readModelFile(model, manifest.file);
  const asItIs: VersionFiles = {
    manifest,
    manifestText,
    read: (path) => (path === manifest.file ? file : readModelFile(model, path)),
  };
  if (manifest.format !== "onnx") return asItIs;
  const where = `model ${manifest.name} version ${manifest.version}: file ${manifest.file}`;
  try {
    const adaptation = readModel(file);
    return (adaptation && (await change(model, file, adaptation))) ?? asItIs;
  } catch (error) {
    throw error instanceof UserError ? error : new UserError(`${where}: ${reason(error)}`);
  }
}

/** @returns `undefined` for a version that is stored as it is */
async function change(
  model: FolderModel,
  file: Buffer,
  adaptation: ModelAdaptation,
): Promise<VersionFiles | undefined> {
  const inputs = withOptionalInputs(model.manifest, adaptation);
  const isSame = inputs === model.manifest.inputs;
  if (isSame && adaptation.changes.length === 0) return undefined;
  const { manifest, bytes } =
    adaptation.changes.length === 0
      ? { manifest: model.manifest, bytes: file }
      : await changeFile(model, file, adaptation);
  const changed = parseManifest({ ...manifest, inputs });
  return {
    manifest: changed,
    manifestText: `${JSON.stringify(changed, null, 2)}\n`,
    read: (path) => (path === changed.file ? bytes : readModelFile(model, path)),
  };
}

/** The inputs of the manifest, and those that the model has a default for. */
function withOptionalInputs(
  { inputs }: Manifest,
  { optionalInputs }: ModelAdaptation,
): Manifest["inputs"] {
  const isOptional = (name: string): boolean => optionalInputs.some((spec) => spec.name === name);
  const added = optionalInputs.filter(({ name }) => inputs.every((spec) => spec.name !== name));
  if (added.length === 0 && inputs.every(({ name, optional }) => optional || !isOptional(name)))
    return inputs;
  return [
    ...inputs.map((spec) => (isOptional(spec.name) ? { ...spec, optional: true } : spec)),
    ...added.map(({ name, datatype, shape }) => ({
      name,
      datatype,
      shape: [...shape],
      optional: true,
    })),
  ];
}

async function changeFile(
  model: FolderModel,
  file: Buffer,
  adaptation: ModelAdaptation,
): Promise<{ manifest: Manifest; bytes: Buffer }> {
  const { manifest } = model;
  const weights = new Map(
    adaptation.externalPaths.map((path) => [path, readWeights(model, path)] as const),
  );
  const sizes = new Map([...weights].map(([path, { byteLength }]) => [path, byteLength] as const));
  const bytes = await applyPlan(file, adaptation.plan(sizes), weights);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const original = manifest.files.find(({ path }) => path === manifest.file);
  if (!original) throw new Error(`the manifest has no file ${manifest.file}`);
  const others = manifest.files.filter((entry) => entry !== original && !weights.has(entry.path));
  return {
    bytes,
    manifest: {
      ...manifest,
      files: [{ path: manifest.file, sha256, sizeBytes: bytes.byteLength }, ...others],
      original: {
        sha256: original.sha256,
        sizeBytes: original.sizeBytes,
        changes: [...adaptation.changes],
      },
    },
  };
}

async function applyPlan(
  file: Buffer,
  plan: EditPlan,
  weights: ReadonlyMap<string, Buffer>,
): Promise<Buffer> {
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield file;
  }
  const pieces = applyEdits(whole(), plan, async function* ({ path, offset, sizeBytes }) {
    const bytes = weights.get(path);
    if (bytes) yield bytes.subarray(offset, offset + sizeBytes);
  });
  return Buffer.concat(await Array.fromAsync(pieces));
}

/** A file that the manifest need not list, because it is stored as a part of the model. */
function readWeights(model: FolderModel, path: string): Buffer {
  const { manifest, folder } = model;
  if (manifest.files.some((file) => file.path === path)) return readModelFile(model, path);
  const where = `model ${manifest.name} version ${manifest.version}: file ${path}, which has weights of ${manifest.file},`;
  return readOrExplain(join(folder, path), where);
}
