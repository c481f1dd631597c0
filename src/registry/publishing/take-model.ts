import type { WaitUntil } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { ManifestFile } from "../../domain/manifest.ts";
import type { ModelHost } from "../../domain/model-host.ts";
import type { ModelDescription } from "../../domain/ports.ts";
import type { ModelAdaptation, ModelChange } from "../../onnx/adapt-model.ts";
import { checkDigest } from "./check-digest.ts";
import { type RewriteOptions, rewriteModel } from "./rewrite-model.ts";
import { type WrittenModel, writeModel } from "./write-model.ts";

/** A model file in the folder of a publication, as it will be served, which was loaded once. */
export interface TakenModel extends ModelDescription {
  readonly model: WrittenModel;
  /** `undefined` for a file in ORT format. */
  readonly adaptation: ModelAdaptation | undefined;
  /** The file as it was sent, if that is another one. */
  readonly original: SentModel | undefined;
}

export interface SentModel {
  readonly file: Pick<ManifestFile, "sha256" | "sizeBytes">;
  readonly changes: readonly ModelChange[];
}

export interface TakeOptions extends RewriteOptions {
  readonly host: Pick<ModelHost, "describe">;
  readonly waitUntil: WaitUntil;
}

/** A model file that arrives or has arrived. */
export interface ModelBytes {
  /** Under which it was sent. */
  readonly path: string;
  /** In the folder of the publication; the path by default. */
  readonly name?: string;
  readonly body: ReadableStream<Uint8Array>;
  readonly sizeBytes: number;
  /** By where they are from: hexadecimal digests that the bytes must have. */
  readonly digests: Readonly<Record<string, string | undefined>>;
}

/**
 * Writes a model to the folder of the publication, in the form in which it is served, and loads it.
 * @throws ApiError `digest_mismatch`, `invalid_model`, `body_too_large`, `model_too_large`, `storage_failed`, ...; OnnxError
 */
export async function takeModel(
  options: TakeOptions,
  { path, name = path, body, sizeBytes, digests }: ModelBytes,
): Promise<TakenModel> {
  const { publication } = options;
  const written = await writeModel(publication, publication.place(name), body, sizeBytes);
  checkDigest(publication.id, path, written.sha256, digests);
  const adaptation = written.adaptation();
  if (!adaptation || adaptation.changes.length === 0)
    return describeModel(options, { model: written, adaptation, original: undefined });
  const other = `${name.replace(/\.[^./]*$/, "")}.adapted.onnx`;
  const model = await rewriteModel(options, written, adaptation, path, publication.place(other));
  await publication.deleteFile(written.path);
  const original = { file: written, changes: adaptation.changes };
  return describeModel(options, { model, adaptation, original });
}

/** Loads a written file, to read its inputs and outputs and to check that it can be served. */
export async function describeModel(
  { host, publication, waitUntil }: Pick<TakeOptions, "host" | "publication" | "waitUntil">,
  taken: Omit<TakenModel, keyof ModelDescription>,
): Promise<TakenModel> {
  try {
    const { inputs, outputs } = await host.describe(taken.model, waitUntil);
    return { ...taken, inputs, outputs };
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "model_load_failed") throw error;
    throw new ApiError("invalid_model", error.message, {
      cause: error,
      details: { ...error.details, model: publication.id.name, version: publication.id.version },
    });
  }
}
