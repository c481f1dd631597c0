import type { WaitUntil } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import { filesDigest } from "../domain/files-digest.ts";
import type { Manifest } from "../domain/manifest.ts";
import { toManifestText } from "../domain/manifest-text.ts";
import type { ModelHost } from "../domain/model-host.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ModelStore, ModelWriter } from "../domain/ports.ts";
import type { Tombstone } from "../domain/routing.ts";
import type { UploadStore } from "../domain/upload-store.ts";
import { OnnxError } from "../onnx/onnx-scanner.ts";
import type { Catalog } from "./catalog.ts";
import type { ExportBudget } from "./exports/memory-fit.ts";
import { checkExample } from "./publishing/check-example.ts";
import { commit, isManifest, isTaken, versionExists } from "./publishing/commit.ts";
import { type DraftedVersion, draftVersion } from "./publishing/draft-version.ts";
import { inClaimedFolder, keepPrepared, writePrepared } from "./publishing/prepared-version.ts";
import { Publication } from "./publishing/publication.ts";
import { findPrepared, type PublishRequest, parseDraft } from "./publishing/publish-request.ts";
import { SentFiles } from "./publishing/sent-files.ts";
import type { DraftOptions } from "./publishing/take-sent.ts";
import { toUnpublished } from "./publishing/unpublished.ts";
import type { Tombstones } from "./tombstones.ts";
import type { Signatures } from "./verify-signature.ts";

/** Publishes versions. */
export interface Publisher {
  /**
   * Publishes a version of a model and of the files that were sent for it. A `ZipMap` at the end of the model is replaced by the tensor that it
   * reads, and weights in other files become part of it. What the manifest leaves out is read of the model, or proposed. The model is loaded, and
   * the manifest's example is run. Nothing is visible before the manifest is written, which is last, and nothing is left of a publication
   * that fails.
   * @throws ApiError `version_exists`, `invalid_model`, `invalid_manifest`, `example_mismatch`, `digest_mismatch`, `upload_incomplete`,
   *   `model_too_large`, `storage_failed`, ...
   */
  publish(id: ModelId, request: PublishRequest, waitUntil: WaitUntil): Promise<PublishedVersion>;
}

export interface PublishedVersion {
  readonly manifest: Manifest;
  /** What is stored, or would be: the bytes that a signature signs. */
  readonly manifestText: string;
  /** What was found and assumed where the manifest says nothing. */
  readonly proposed: readonly string[];
}

export interface PublisherOptions {
  /** Largest model file, with the weights that were sent in other files. */
  readonly maxModelBytes: number;
  /** The memory of the isolate of a model that generates. */
  readonly exportBudget: ExportBudget;
  /** Checks signatures, and refuses versions without one where there are keys. */
  readonly signatures?: Pick<Signatures, "refuseUnsigned" | "assertPublishable">;
  /** Of versions that were deleted, whose numbers are published again. */
  readonly tombstones: Tombstones;
  readonly now?: () => Date;
}

export function createPublisher(
  store: ModelStore & ModelWriter,
  uploads: UploadStore,
  host: ModelHost,
  catalog: Catalog,
  { maxModelBytes, exportBudget, signatures, tombstones, now = () => new Date() }: PublisherOptions,
): Publisher {
  /** Publishes what is in the folder of the publication, or leaves it to be published later. */
  async function complete(
    options: DraftOptions,
    { dryRun, signature, force = false, author }: PublishRequest,
    { manifest, proposed }: DraftedVersion,
    tombstone: Tombstone | undefined,
  ): Promise<PublishedVersion> {
    const { publication, sent, waitUntil } = options;
    const { id } = publication;
    tombstones.checkFiles(id, tombstone, { digest: await filesDigest(manifest), force });
    await host.load(toUnpublished(manifest), waitUntil);
    await checkExample(host, manifest);
    const manifestText = toManifestText(manifest);
    if (dryRun) {
      await keepPrepared(options, manifest);
      return { manifest, manifestText, proposed };
    }
    await signatures?.assertPublishable({ id, manifestText, files: manifest.files }, signature);
    if (signature) await store.putSignature(id, manifestText, signature);
    await commit(store, publication, manifest);
    const isWritten = async (): Promise<boolean> =>
      isManifest(await store.manifest(id), manifestText);
    await tombstones.commit(id, { tombstone, author, isWritten });
    await sent.deleteAll().catch(() => undefined);
    return { manifest, manifestText, proposed };
  }

  async function publish(
    id: ModelId,
    request: PublishRequest,
    waitUntil: WaitUntil,
  ): Promise<PublishedVersion> {
    const tombstone = await tombstones.check(id, { force: request.force ?? false });
    if (await isTaken(store, id)) throw versionExists(id);
    const prepared = findPrepared(request);
    // Before any work: a signature signs the text of a prepared manifest.
    if (request.signature === undefined && !request.dryRun) await signatures?.refuseUnsigned(id);
    if (request.signature !== undefined && !prepared) throw notPrepared(id);
    const draft = parseDraft(id, request);
    const sent = await SentFiles.list(uploads, id, request.files);
    const publication = new Publication(store, id, prepared?.folder);
    const options: DraftOptions = {
      store,
      uploads,
      publication,
      sent,
      host,
      budget: exportBudget,
      maxBytes: maxModelBytes,
      waitUntil,
      now,
    };
    try {
      if (!prepared)
        return await complete(
          options,
          request,
          await draftVersion(options, request, draft),
          tombstone,
        );
      const { manifest } = prepared;
      return await inClaimedFolder(store, publication, async () => {
        await writePrepared(options, manifest);
        return complete(options, request, { manifest, proposed: [] }, tombstone);
      });
    } catch (error) {
      await sent.deleteMismatch(error).catch(() => undefined);
      throw explain(id, error);
    } finally {
      await publication.discard();
      catalog.forget(id.name);
    }
  }

  return {
    publish(id, request, waitUntil) {
      const publication = publish(id, request, waitUntil);
      // The publication is completed also if the client disconnects.
      waitUntil(publication.catch(() => undefined));
      return publication;
    },
  };
}

function explain(id: ModelId, error: unknown): unknown {
  if (!(error instanceof OnnxError)) return error;
  return new ApiError(
    "invalid_model",
    `${formatModelId(id)} cannot be published: ${error.message}.`,
    { cause: error, details: { model: id.name, version: id.version } },
  );
}

function notPrepared(id: ModelId): ApiError {
  return new ApiError(
    "invalid_request",
    `A signature signs the manifest as it is stored, and publishing changes this one of ${formatModelId(id)}: sign the manifestText that a dry run returns, and publish that manifest.`,
    { details: { field: "signature" } },
  );
}
