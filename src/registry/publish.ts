import type { WaitUntil } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import { type Manifest, parseManifest } from "../domain/manifest.ts";
import type { CandidateModel, ModelHost } from "../domain/model-host.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ModelDescription, ModelStore, ModelWriter } from "../domain/ports.ts";
import { concatenateBytes } from "../shared/bytes.ts";
import { toHex } from "../shared/hex.ts";
import { clip, MAX_REASON_LENGTH } from "../shared/quote.ts";
import type { Catalog } from "./catalog.ts";

/** Publishes and deletes versions. */
export interface Publisher {
  /**
   * Publishes a version that consists of one model file, from which its inputs and outputs are read.
   * @param body the ONNX or ORT file, exactly `sizeBytes` long
   * @throws ApiError `version_exists`, `invalid_model`, `model_too_large`, `storage_failed`
   */
  publish(
    id: ModelId,
    body: ReadableStream<Uint8Array>,
    sizeBytes: number,
    waitUntil: WaitUntil,
  ): Promise<Manifest>;
  /** @throws ApiError `version_not_found`, `storage_failed` */
  remove(id: ModelId): Promise<void>;
}

export function createPublisher(
  store: ModelStore & ModelWriter,
  host: ModelHost,
  catalog: Catalog,
  now: () => Date = () => new Date(),
): Publisher {
  /** Loads the stored file once, to read its inputs and outputs and to check that it can be served. */
  async function inspect(model: CandidateModel, waitUntil: WaitUntil): Promise<ModelDescription> {
    try {
      return await host.inspect(model, waitUntil);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "model_load_failed") throw error;
      throw new ApiError("invalid_model", error.message, { cause: error });
    }
  }

  const publish: Publisher["publish"] = async (id, body, sizeBytes, waitUntil) => {
    if ((await store.manifest(id)) !== undefined) throw versionExists(id);
    // A unique name, so that concurrent publications of one version cannot mix their files.
    const path = `model-${crypto.randomUUID().slice(0, 8)}.bin`;
    try {
      const { sha256, format } = await writeModel(store, id, path, body, sizeBytes);
      const model = { id, path, sizeBytes, sha256, format };
      const manifest = toManifest(model, await inspect(model, waitUntil), now());
      if (!(await store.publish(manifest))) throw versionExists(id);
      return manifest;
    } catch (error) {
      // The first error is reported; a file without a manifest has no effect.
      await store.deleteFile(id, path).catch(() => undefined);
      throw error;
    } finally {
      catalog.forget(id.name);
    }
  };

  return {
    publish(id, body, sizeBytes, waitUntil) {
      const publication = publish(id, body, sizeBytes, waitUntil);
      // The publication is completed also if the client disconnects.
      waitUntil(publication.catch(() => undefined));
      return publication;
    },

    async remove(id) {
      const model = await catalog.resolve(id.name, id.version).catch((error: unknown) => {
        // A version whose manifest cannot be read can still be deleted.
        if (error instanceof ApiError && error.code === "model_corrupt") return undefined;
        throw error;
      });
      await store.remove(id);
      catalog.forget(id.name);
      if (model) await host.unload(model);
    },
  };
}

/** Streams the body to storage, and computes its digest and detects its format on the way. */
async function writeModel(
  writer: ModelWriter,
  id: ModelId,
  path: string,
  body: ReadableStream<Uint8Array>,
  sizeBytes: number,
): Promise<Pick<CandidateModel, "sha256" | "format">> {
  const digestStream = new crypto.DigestStream("SHA-256");
  digestStream.digest.catch(() => undefined);
  const digestWriter = digestStream.getWriter();
  let head = new Uint8Array();
  const observed = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        if (head.length < FORMAT_HEAD_BYTES)
          head = concatenateBytes([head, chunk.subarray(0, FORMAT_HEAD_BYTES)]);
        await digestWriter.write(chunk);
        controller.enqueue(chunk);
      },
      flush: () => digestWriter.close(),
    }),
  );
  await writer.putFile(id, path, observed, sizeBytes);
  return {
    sha256: toHex(new Uint8Array(await digestStream.digest)),
    format: detectFormat(head),
  };
}

const FORMAT_HEAD_BYTES = 8;

/** A FlatBuffers file has its identifier in bytes 4 to 7; that of ORT models is "ORTM". */
function detectFormat(head: Uint8Array): Manifest["format"] {
  return new TextDecoder().decode(head.subarray(4, 8)) === "ORTM" ? "ort" : "onnx";
}

function toManifest(
  { id: { name, version }, path, sizeBytes, sha256, format }: CandidateModel,
  { inputs, outputs }: ModelDescription,
  createdAt: Date,
): Manifest {
  try {
    return parseManifest({
      schemaVersion: 1,
      name,
      version,
      format,
      file: path,
      files: [{ path, sha256, sizeBytes }],
      inputs,
      outputs,
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
