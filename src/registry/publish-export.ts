import { ApiError } from "../domain/errors.ts";
import type { Manifest, ManifestFile } from "../domain/manifest.ts";
import type { ModelHost } from "../domain/model-host.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import { ExportFileError, parseExport } from "../domain/parse-export.ts";
import type { ModelDescription, ModelWriter } from "../domain/ports.ts";
import type { ModelAdaptation } from "../onnx/adapt-model.ts";
import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";
import { deriveExport } from "./exports/derive-export.ts";
import { toExportManifest } from "./exports/export-manifest.ts";
import type { ExportedTask, ExportOptions } from "./exports/export-types.ts";
import { checkFit, type ExportBudget } from "./exports/memory-fit.ts";
import { verifyExport } from "./exports/verify-export.ts";

export interface PublishExportOptions {
  readonly writer: ModelWriter;
  readonly host: ModelHost;
  /** The memory of the isolate that the model gets. */
  readonly budget: ExportBudget;
}

/** What publishing needs of an export's model. */
export interface UploadedExport {
  /** Without a task. */
  readonly manifest: Manifest;
  readonly adaptation: ModelAdaptation | undefined;
  readonly options: ExportOptions;
  /** Called before a file is written, which is deleted when the version is not published. */
  readonly onWrite: (path: string) => void;
  /** An uploaded model, as it is published; `undefined` when it was not sent. */
  readonly publishUpload: (path: string) => Promise<DescribedModel | undefined>;
}

/** A model file of the version, which was loaded once. */
export interface DescribedModel extends ModelDescription {
  readonly file: ManifestFile;
  readonly format: Manifest["format"];
}

/** Where exporters write the encoder of an encoder-decoder, in the order of preference. */
const ENCODERS = ["", "onnx/"].flatMap((folder) =>
  ["encoder_model_quantized.onnx", "encoder_model.onnx"].map((name) => `${folder}${name}`),
);

/** The file without which a model is published without a task. */
const MARKER = "config.json";
/** A tokenizer with the largest vocabulary that is supported takes less. */
const MAX_FILE_BYTES = 16_777_216;

/**
 * The manifest of an export of Optimum or transformers.js whose files of configuration were sent before its model.
 * @returns `undefined` when none was sent
 * @throws ApiError `invalid_model`, `body_too_large`, `storage_failed`, and what the run of a first text throws
 */
export async function publishExport(
  { writer, host, budget }: PublishExportOptions,
  { manifest, adaptation, options, onWrite, publishUpload }: UploadedExport,
): Promise<Manifest | undefined> {
  const id = { name: manifest.name, version: manifest.version };
  const read = (path: string): Promise<Uint8Array | undefined> => readUpload(writer, id, path);
  if (!(await read(MARKER))) return undefined;
  const config = await parseExport(read).catch((cause: unknown) => {
    if (!(cause instanceof ExportFileError)) throw cause;
    throw new ApiError(
      "invalid_model",
      `${formatModelId(id)} cannot be published: ${cause.message}.`,
      { cause },
    );
  });
  const attentionCaches = adaptation?.attentionCaches ?? [];
  const encoder = config.config?.is_encoder_decoder ? await findEncoder(publishUpload) : undefined;
  const derived = deriveExport({ ...manifest, attentionCaches, encoder }, config, options);
  // A folder of their own, so that concurrent publications of one version cannot mix their files.
  const folder = manifest.file.replace(/\.[^.]*$/, "");
  const files: ManifestFile[] = [];
  for (const { path, text } of derived.files) {
    const bytes = text === undefined ? await read(path) : new TextEncoder().encode(text);
    if (!bytes) throw new Error(`the export has no ${path}`);
    const place = `${folder}/${path}`;
    onWrite(place);
    files.push(await writeFile(writer, id, place, bytes));
  }
  const exported = toExportManifest({
    id,
    format: manifest.format,
    files: [...manifest.files, ...(encoder ? [encoder.file] : []), ...files],
    original: manifest.original,
    description: manifest,
    encoder: encoder && { ...encoder, file: encoder.file.path },
    task: inFolder(derived, folder),
    createdAt: new Date(manifest.createdAt),
  });
  checkFit(exported, budget);
  return (await verifyExport(host, exported, budget)).manifest;
}

async function findEncoder(
  publishUpload: UploadedExport["publishUpload"],
): Promise<DescribedModel | undefined> {
  for (const path of ENCODERS) {
    const encoder = await publishUpload(path);
    if (encoder) return encoder;
  }
  return undefined;
}

/** The task whose files are in a folder. */
function inFolder(task: ExportedTask, folder: string): ExportedTask {
  const paths = new Set(task.files.map(({ path }) => path));
  const fields = Object.entries(task.preprocess).map(([name, value]) => [
    name,
    typeof value === "string" && paths.has(value) ? `${folder}/${value}` : value,
  ]);
  return { ...task, preprocess: Object.fromEntries(fields) };
}

async function readUpload(
  writer: ModelWriter,
  id: ModelId,
  path: string,
): Promise<Uint8Array | undefined> {
  const upload = await writer.upload(id, path);
  if (!upload) return undefined;
  if (upload.sizeBytes > MAX_FILE_BYTES) {
    await upload.body.cancel();
    throw new ApiError(
      "body_too_large",
      `The uploaded file ${path} is ${upload.sizeBytes} bytes, and a file of configuration may have ${MAX_FILE_BYTES} bytes.`,
      { details: { limitBytes: MAX_FILE_BYTES } },
    );
  }
  return new Response(upload.body).bytes();
}

async function writeFile(
  writer: ModelWriter,
  id: ModelId,
  path: string,
  bytes: Uint8Array,
): Promise<ManifestFile> {
  const body = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  await writer.putFile(id, path, body, bytes.byteLength);
  return { path, sha256: toHex(await sha256(bytes)), sizeBytes: bytes.byteLength };
}
