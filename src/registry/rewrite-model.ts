import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ModelStore, ModelWriter } from "../domain/ports.ts";
import type { ModelAdaptation } from "../onnx/adapt-model.ts";
import { applyEdits, type FileRange } from "../onnx/edit.ts";
import { quote } from "../shared/quote.ts";
import { openModelFile } from "./model-files.ts";
import { UploadReader } from "./upload-reader.ts";
import { type WrittenModel, writeModel } from "./write-model.ts";

/**
 * Writes the model as it is served: with tensors instead of maps, and with its weights in the same file. Streams it from
 * storage to storage.
 * @throws ApiError `invalid_model`, `body_too_large`, `storage_failed`; OnnxError
 */
export async function rewriteModel(
  store: ModelStore & ModelWriter,
  { id, path }: WrittenModel,
  adaptation: ModelAdaptation,
  maxBytes: number,
): Promise<WrittenModel> {
  const plan = adaptation.plan(await uploadSizes(store, id, adaptation.externalPaths));
  if (plan.sizeBytes > maxBytes)
    throw new ApiError(
      "body_too_large",
      `The model and its weights are ${plan.sizeBytes} bytes together, over the limit of ${maxBytes} bytes (MAX_MODEL_BYTES).`,
      { details: { limitBytes: maxBytes } },
    );
  const { body } = await openModelFile(store, id, path);
  const uploads = new UploadReader(store, id);
  const readRange = (range: FileRange): AsyncIterable<Uint8Array> => uploads.read(range);
  const pieces = applyEdits(body, plan, readRange);
  try {
    return await writeModel(store, id, toByteStream(pieces), plan.sizeBytes);
  } finally {
    await pieces.return(undefined).catch(() => undefined);
    await uploads.close();
  }
}

async function uploadSizes(
  store: ModelWriter,
  id: ModelId,
  paths: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (const path of paths) {
    const upload = await store.upload(id, path);
    if (!upload) throw missingUpload(id, path, paths.length);
    await upload.body.cancel();
    sizes.set(path, upload.sizeBytes);
  }
  return sizes;
}

function missingUpload(id: ModelId, path: string, count: number): ApiError {
  const files = count === 1 ? "a second file" : `${count} other files`;
  const route = `/admin/models/${id.name}/versions/${id.version}/files/${encodeURIComponent(path)}`;
  return new ApiError(
    "invalid_model",
    `${formatModelId(id)} cannot be published: its weights are in ${files}, and ${quote(path)} has not been sent. Send it with PUT ${route}, then the model again; or save the model as one file: onnx.save(onnx.load("model.onnx"), "one-file.onnx").`,
    { details: { model: id.name, version: id.version, file: path } },
  );
}

/** The pieces as a stream, which reads them one by one. */
export function toByteStream(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else if (value.byteLength > 0) controller.enqueue(value);
    },
  });
}
