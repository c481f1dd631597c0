import { ApiError } from "../domain/errors.ts";
import { fileEntry } from "../domain/manifest.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ModelFiles, StoredFile } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { toHex } from "../shared/hex.ts";
import { sha256 as sha256Of } from "../shared/sha256.ts";

/** @throws ApiError `model_missing` when the file is missing */
export async function openModelFile(
  store: ModelFiles,
  id: ModelId,
  path: string,
): Promise<StoredFile> {
  const file = await store.file(id, path);
  if (file) return file;
  throw new ApiError(
    "model_missing",
    `${path} of ${formatModelId(id)} is missing from object storage.`,
    { details: { model: id.name, version: id.version, file: path } },
  );
}

/**
 * Reads a small file of a version, such as a vocabulary, and checks it against the manifest.
 * @throws ApiError `model_missing`, `model_corrupt`, `storage_failed`
 */
export async function readModelFile(
  store: ModelFiles,
  model: PublishedModel,
  path: string,
): Promise<Uint8Array> {
  const { sha256, sizeBytes } = fileEntry(model.manifest, path);
  const { body, sizeBytes: storedBytes } = await openModelFile(store, model, path);
  const bytes = storedBytes === sizeBytes ? await readAll(model, path, body) : undefined;
  if (!bytes) await body.cancel();
  const digest = bytes && toHex(await sha256Of(bytes));
  if (bytes && digest === sha256) return bytes;
  throw new ApiError(
    "model_corrupt",
    `${path} of ${formatModelId(model)} in object storage is not the published one: ${digest ? `its SHA-256 is ${digest} instead of ${sha256}` : `it is ${storedBytes} bytes long instead of ${sizeBytes}`}.`,
    { details: { model: model.name, version: model.version, file: path } },
  );
}

async function readAll(
  id: ModelId,
  path: string,
  body: ReadableStream<Uint8Array>,
): Promise<Uint8Array> {
  try {
    return await new Response(body).bytes();
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError(
      "storage_failed",
      `Reading ${path} of ${formatModelId(id)} from object storage failed; try again.`,
      { cause },
    );
  }
}
