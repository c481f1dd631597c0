import { ApiError } from "../../domain/errors.ts";
import { formatModelId, type ModelId } from "../../domain/model-id.ts";
import type { ModelFiles } from "../../domain/ports.ts";
import type { Upload } from "../../domain/upload.ts";
import type { ModelAdaptation } from "../../onnx/adapt-model.ts";
import { applyEdits, type FileRange } from "../../onnx/edit.ts";
import { quote } from "../../shared/quote.ts";
import { openModelFile } from "../model-files.ts";
import type { Publication } from "./publication.ts";
import { filesRoute, type SentFiles } from "./sent-files.ts";
import { UploadReader } from "./upload-reader.ts";
import { type WrittenModel, writeModel } from "./write-model.ts";

export interface RewriteOptions {
  readonly store: ModelFiles;
  readonly publication: Publication;
  readonly sent: SentFiles;
  /** Of the model with its weights. */
  readonly maxBytes: number;
}

/**
 * Writes the model as it is served: with tensors instead of maps, and with its weights in the same file. Streams it from
 * storage to storage.
 * @param sentPath of the model, to which the paths of its weights are relative; they may also be sent without its folder
 * @param path of the new file
 * @throws ApiError `invalid_model`, `body_too_large`, `storage_failed`; OnnxError
 */
export async function rewriteModel(
  { store, publication, sent, maxBytes }: RewriteOptions,
  written: WrittenModel,
  adaptation: ModelAdaptation,
  sentPath: string,
  path: string,
): Promise<WrittenModel> {
  const { id } = written;
  const weights = findWeights(sent, adaptation.externalPaths, sentPath);
  const sizes = [...weights].map(([name, { sizeBytes }]) => [name, sizeBytes] as const);
  const plan = adaptation.plan(new Map(sizes));
  if (plan.sizeBytes > maxBytes)
    throw new ApiError(
      "body_too_large",
      `The model and its weights are ${plan.sizeBytes} bytes together, over the limit of ${maxBytes} bytes (MAX_MODEL_BYTES).`,
      { details: { limitBytes: maxBytes } },
    );
  const { body } = await openModelFile(store, id, written.path);
  const reader = new UploadReader((name, offset) =>
    sent.open(weights.get(name) ?? sent.require(name), offset),
  );
  const readRange = (range: FileRange): AsyncIterable<Uint8Array> => reader.read(range);
  const pieces = applyEdits(body, plan, readRange);
  try {
    return await writeModel(publication, path, toByteStream(pieces), plan.sizeBytes);
  } finally {
    await pieces.return(undefined).catch(() => undefined);
    await reader.close();
  }
}

function findWeights(
  sent: SentFiles,
  paths: readonly string[],
  modelPath: string,
): ReadonlyMap<string, Upload> {
  const folder = modelPath.slice(0, modelPath.lastIndexOf("/") + 1);
  return new Map(
    paths.map((path) => {
      const upload = (folder && sent.find(`${folder}${path}`)) || sent.find(path);
      if (!upload) throw missingUpload(sent.id, path, paths.length);
      return [path, upload] as const;
    }),
  );
}

function missingUpload(id: ModelId, path: string, count: number): ApiError {
  const files = count === 1 ? "a second file" : `${count} other files`;
  const route = `${filesRoute(id)}/${encodeURIComponent(path)}`;
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
