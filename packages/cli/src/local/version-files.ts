import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Manifest, parseManifest } from "../../../../src/domain/manifest.ts";
import { memberFile, memberModel, memberNames } from "../../../../src/domain/member-models.ts";
import type { ModelAdaptation } from "../../../../src/onnx/adapt-model.ts";
import { applyEdits, type EditPlan } from "../../../../src/onnx/edit.ts";
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
  const stored = new Map<string, Buffer>();
  let { manifest } = model;
  for (const member of memberNames(model.manifest)) {
    const { format, file } = memberModel(model.manifest, member);
    const bytes = readModelFile(model, file);
    stored.set(file, bytes);
    if (format !== "onnx") continue;
    const where = `model ${manifest.name} version ${manifest.version}: file ${file}`;
    try {
      const adaptation = readModel(bytes);
      const changed = adaptation && (await change(model, manifest, member, bytes, adaptation));
      if (!changed) continue;
      manifest = changed.manifest;
      stored.set(file, changed.bytes);
    } catch (error) {
      throw error instanceof UserError ? error : new UserError(`${where}: ${reason(error)}`);
    }
  }
  const isSame = manifest === model.manifest;
  const parsed = isSame ? manifest : parseManifest(manifest);
  return {
    manifest: parsed,
    manifestText: isSame ? model.manifestText : `${JSON.stringify(parsed, null, 2)}\n`,
    read: (path) => stored.get(path) ?? readModelFile(model, path),
  };
}

interface ChangedFile {
  readonly manifest: Manifest;
  readonly bytes: Buffer;
}

/**
 * @param manifest with the changes of the models before
 * @returns `undefined` for a model that is stored as it is
 */
async function change(
  model: FolderModel,
  manifest: Manifest,
  member: string | undefined,
  file: Buffer,
  adaptation: ModelAdaptation,
): Promise<ChangedFile | undefined> {
  const before = memberModel(manifest, member);
  const inputs = withOptionalInputs(before, adaptation);
  if (inputs === before.inputs && adaptation.changes.length === 0) return undefined;
  const changed =
    adaptation.changes.length === 0
      ? { manifest, bytes: file }
      : await changeFile(model, manifest, member, file, adaptation);
  return { ...changed, manifest: withInputs(changed.manifest, member, inputs) };
}

function withInputs(
  manifest: Manifest,
  member: string | undefined,
  inputs: Manifest["inputs"],
): Manifest {
  if (member === undefined) return { ...manifest, inputs };
  const { runtime, ...declared } = memberModel(manifest, member);
  const changed = { ...declared, runtime: { ...runtime }, inputs };
  return { ...manifest, models: { ...manifest.models, [member]: changed } };
}

/** The inputs of the manifest, and those that the model has a default for. */
function withOptionalInputs(
  { inputs }: Pick<Manifest, "inputs">,
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
  manifest: Manifest,
  member: string | undefined,
  file: Buffer,
  adaptation: ModelAdaptation,
): Promise<ChangedFile> {
  const { path } = memberFile(manifest, member);
  const weights = new Map(
    adaptation.externalPaths.map((other) => [other, readWeights(model, path, other)] as const),
  );
  const sizes = new Map(
    [...weights].map(([other, { byteLength }]) => [other, byteLength] as const),
  );
  const bytes = await applyPlan(file, adaptation.plan(sizes), weights);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const original = memberFile(manifest, member);
  const files = manifest.files
    .filter((entry) => !weights.has(entry.path))
    .map((entry) => (entry === original ? { path, sha256, sizeBytes: bytes.byteLength } : entry));
  // `original` tells of the main model.
  const { sha256: sentSha256, sizeBytes } = original;
  const sent = { sha256: sentSha256, sizeBytes, changes: [...adaptation.changes] };
  return {
    bytes,
    manifest: { ...manifest, files, ...(member === undefined && { original: sent }) },
  };
}

/** The model with the changes of the plan. */
export async function applyPlan(
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

/**
 * A file that the manifest need not list, because it is stored as a part of the model.
 * @param modelFile the model
 */
function readWeights(model: FolderModel, modelFile: string, path: string): Buffer {
  const { manifest, folder } = model;
  if (manifest.files.some((file) => file.path === path)) return readModelFile(model, path);
  const where = `model ${manifest.name} version ${manifest.version}: file ${path}, which has weights of ${modelFile},`;
  return readOrExplain(join(folder, path), where);
}
