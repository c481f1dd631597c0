import type { WaitUntil } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import { type Manifest, parseManifest } from "../domain/manifest.ts";
import type { CandidateModel, ModelHost } from "../domain/model-host.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ModelDescription, ModelStore, ModelWriter } from "../domain/ports.ts";
import type { ModelAdaptation, ModelChange } from "../onnx/adapt-model.ts";
import { EXTERNAL_PATH } from "../onnx/external-data.ts";
import { OnnxError } from "../onnx/onnx-scanner.ts";
import { clip, MAX_REASON_LENGTH, quote } from "../shared/quote.ts";
import type { Catalog } from "./catalog.ts";
import { compactModel } from "./compact-model.ts";
import type { ExportOptions } from "./exports/export-types.ts";
import type { ExportBudget } from "./exports/memory-fit.ts";
import { type DescribedModel, publishExport } from "./publish-export.ts";
import { rewriteModel } from "./rewrite-model.ts";
import type { Signatures } from "./verify-signature.ts";
import { type WrittenModel, writeModel } from "./write-model.ts";

/** Publishes and deletes versions. */
export interface Publisher {
  /**
   * Publishes a version of one model file, from which its inputs, outputs and labels are read. A `ZipMap` at
   * its end is replaced by the tensor that it reads, and weights in uploaded files become part of it. Uploaded files of
   * configuration, as Optimum and transformers.js write them, decide on its task.
   * @param body the ONNX or ORT file, exactly `sizeBytes` long
   * @throws ApiError `version_exists`, `invalid_model`, `model_too_large`, `storage_failed`
   */
  publish(
    id: ModelId,
    body: ReadableStream<Uint8Array>,
    sizeBytes: number,
    waitUntil: WaitUntil,
    options?: ExportOptions,
  ): Promise<Manifest>;
  /**
   * Stores a file with weights, or one of configuration, of a version that is published later.
   * @param body exactly `sizeBytes` long
   * @throws ApiError `version_exists`, `invalid_request`, `storage_failed`
   */
  upload(
    id: ModelId,
    path: string,
    body: ReadableStream<Uint8Array>,
    sizeBytes: number,
  ): Promise<void>;
  /** @throws ApiError `version_not_found`, `storage_failed` */
  remove(id: ModelId): Promise<void>;
}

export interface PublisherOptions {
  /** Largest model file, with the weights that were sent in other files. */
  readonly maxModelBytes: number;
  /** The memory of the isolate of a model that generates. */
  readonly exportBudget: ExportBudget;
  /** Refuses versions without a signature, where there are keys; none by default. */
  readonly signatures?: Pick<Signatures, "refuseUnsigned">;
  readonly now?: () => Date;
}

export function createPublisher(
  store: ModelStore & ModelWriter,
  host: ModelHost,
  catalog: Catalog,
  { maxModelBytes, exportBudget, signatures, now = () => new Date() }: PublisherOptions,
): Publisher {
  /** Loads the stored file once, to read its inputs and outputs and to check that it can be served. */
  async function describe(model: CandidateModel, waitUntil: WaitUntil): Promise<ModelDescription> {
    try {
      return await host.describe(model, waitUntil);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "model_load_failed") throw error;
      throw new ApiError("invalid_model", error.message, { cause: error });
    }
  }

  /** The stored file, rewritten if it has to be. */
  async function adapt(written: WrittenModel): Promise<Adapted> {
    const adaptation = written.adaptation();
    if (!adaptation || adaptation.changes.length === 0) return { model: written, adaptation };
    const model = await rewriteModel(store, written, adaptation, maxModelBytes);
    return { model, adaptation, original: { file: written, changes: adaptation.changes } };
  }

  /** A model that was sent before the main one; `undefined` when it was not. */
  async function publishUpload(
    id: ModelId,
    path: string,
    waitUntil: WaitUntil,
    onWrite: (path: string) => void,
  ): Promise<DescribedModel | undefined> {
    const upload = await store.upload(id, path);
    if (!upload) return undefined;
    const written = await writeModel(store, id, upload.body, upload.sizeBytes);
    onWrite(written.path);
    const { model } = await adapt(written);
    onWrite(model.path);
    const { sha256, sizeBytes, format } = model;
    const { inputs, outputs } = await describe(model, waitUntil);
    return { file: { path: model.path, sha256, sizeBytes }, format, inputs, outputs };
  }

  /** The model with a smaller form of its forest, if it has one. */
  async function compact(
    { model, adaptation }: Adapted,
    manifest: Manifest,
    waitUntil: WaitUntil,
  ): Promise<{ model: WrittenModel; manifest: Manifest } | undefined> {
    if (!adaptation?.forest) return undefined;
    const original = { file: model, changes: ["tree-ensemble"] as const };
    const options = {
      store,
      host,
      toManifest: async (other: WrittenModel) =>
        toManifest({ model: other, adaptation, original }, await describe(other, waitUntil), now()),
    };
    return compactModel(options, model, adaptation, manifest);
  }

  const publish: Publisher["publish"] = async (id, body, sizeBytes, waitUntil, options = {}) => {
    await signatures?.refuseUnsigned(id);
    if ((await store.manifest(id)) !== undefined) throw versionExists(id);
    /** The paths of files that were written. */
    const unused = new Set<string>();
    try {
      const written = await writeModel(store, id, body, sizeBytes);
      unused.add(written.path);
      const adapted = await adapt(written);
      unused.add(adapted.model.path);
      const description = await describe(adapted.model, waitUntil);
      const asSent = toManifest(adapted, description, now());
      const onWrite = (path: string): void => void unused.add(path);
      const exported = await publishExport(
        { writer: store, host, budget: exportBudget },
        {
          manifest: asSent,
          adaptation: adapted.adaptation,
          options,
          onWrite,
          publishUpload: (path) => publishUpload(id, path, waitUntil, onWrite),
        },
      );
      const compacted = exported ? undefined : await compact(adapted, asSent, waitUntil);
      const manifest = exported ?? compacted?.manifest ?? asSent;
      unused.add(manifest.file);
      if (!(await store.publish(manifest))) throw versionExists(id);
      for (const { path } of manifest.files) unused.delete(path);
      await store.deleteUploads(id).catch(() => undefined);
      return manifest;
    } catch (error) {
      if (!(error instanceof OnnxError)) throw error;
      throw new ApiError(
        "invalid_model",
        `${formatModelId(id)} cannot be published: ${error.message}.`,
        {
          cause: error,
          details: { model: id.name, version: id.version },
        },
      );
    } finally {
      // The first error is reported; a file without a manifest has no effect.
      for (const path of unused) await store.deleteFile(id, path).catch(() => undefined);
      catalog.forget(id.name);
    }
  };

  return {
    publish(id, body, sizeBytes, waitUntil, options) {
      const publication = publish(id, body, sizeBytes, waitUntil, options);
      // The publication is completed also if the client disconnects.
      waitUntil(publication.catch(() => undefined));
      return publication;
    },

    async upload(id, path, body, sizeBytes) {
      if (!EXTERNAL_PATH.test(path))
        throw new ApiError(
          "invalid_request",
          `A file is named by a relative path of up to 200 characters without "..", as the model names it; got ${quote(path)}.`,
        );
      if ((await store.manifest(id)) !== undefined) throw versionExists(id);
      await store.putUpload(id, path, body, sizeBytes);
    },

    async remove(id) {
      const model = await catalog.resolve(id.name, id.version).catch((error: unknown) => {
        // A version whose manifest cannot be read can still be deleted.
        if (isUnreadable(error)) return undefined;
        throw error;
      });
      await store.remove(id);
      catalog.forget(id.name);
      if (model) await host.unload(model);
    },
  };
}

/** Whether an error says that a manifest, or its signature, is not what was published. */
function isUnreadable(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    (error.code === "model_corrupt" || error.code === "signature_invalid")
  );
}

interface Adapted {
  readonly model: WrittenModel;
  /** `undefined` for a file in ORT format. */
  readonly adaptation: ModelAdaptation | undefined;
  /** The file as it was sent, if that is another one. */
  readonly original?: {
    readonly file: WrittenModel;
    readonly changes: readonly ModelChange[];
  };
}

function toManifest(
  { model, adaptation, original }: Adapted,
  { inputs, outputs }: ModelDescription,
  createdAt: Date,
): Manifest {
  const { id, path, sizeBytes, sha256, format } = model;
  const { labels, optionalInputs = [] } = adaptation ?? {};
  try {
    return parseManifest({
      schemaVersion: 1,
      name: id.name,
      version: id.version,
      format,
      file: path,
      files: [{ path, sha256, sizeBytes }],
      ...(original && {
        original: {
          sha256: original.file.sha256,
          sizeBytes: original.file.sizeBytes,
          changes: original.changes,
        },
      }),
      inputs: [...inputs, ...optionalInputs.map((spec) => ({ ...spec, optional: true }))],
      outputs,
      ...(labels && { labels }),
      createdAt: createdAt.toISOString(),
    });
  } catch (cause) {
    throw new ApiError(
      "invalid_model",
      `No valid manifest can be created for the model: ${clip(String(cause), MAX_REASON_LENGTH)}`,
      { cause },
    );
  }
}

function versionExists(id: ModelId): ApiError {
  return new ApiError(
    "version_exists",
    `${formatModelId(id)} already exists, and published versions never change: publish another version.`,
    { details: { model: id.name, version: id.version } },
  );
}
