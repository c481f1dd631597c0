import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { memberModel, memberNames } from "../../domain/member-models.ts";
import { formatModelId } from "../../domain/model-id.ts";
import type { ModelStore, ModelWriter } from "../../domain/ports.ts";
import { PREPARED_LIMIT_MS } from "../publication-limits.ts";
import { checkDigest } from "./check-digest.ts";
import { isTaken, versionExists } from "./commit.ts";
import { checkName } from "./compose-manifest.ts";
import { declarationProblems } from "./declaration-problems.ts";
import { invalidManifest } from "./manifest-problems.ts";
import type { Publication } from "./publication.ts";
import { takeModel } from "./take-model.ts";
import { type DraftOptions, findFile } from "./take-sent.ts";
import { writeHashed } from "./write-model.ts";

/**
 * Writes the files of a version whose manifest stays as it is.
 * @throws ApiError `invalid_manifest`, `digest_mismatch`, `invalid_model`, ...
 */
export async function writePrepared(options: DraftOptions, manifest: Manifest): Promise<void> {
  const { publication, sent, now } = options;
  checkName(publication, manifest);
  const ageMs = now().getTime() - Date.parse(manifest.createdAt);
  if (ageMs > PREPARED_LIMIT_MS)
    throw new ApiError(
      "invalid_request",
      `The manifest of ${formatModelId(publication.id)} was prepared ${Math.round(ageMs / 60_000)} minutes ago, and is to be published within ${PREPARED_LIMIT_MS / 60_000}: prepare it again with a dry run.`,
      { details: { field: "manifest.createdAt" } },
    );
  const models = new Map(
    memberNames(manifest).map((name) => [memberModel(manifest, name).file, name] as const),
  );
  for (const { path } of manifest.files) {
    const name = path.slice(publication.folder.length + 1);
    const { upload, digests } = findFile(options, path, manifest);
    const body = sent.open(upload);
    if (!models.has(path)) {
      const sha256 = await writeHashed(publication, path, body, upload.sizeBytes);
      checkDigest(publication.id, path, sha256, digests);
      continue;
    }
    const { sizeBytes } = upload;
    const taken = await takeModel(options, { path, name, body, sizeBytes, digests });
    if (taken.original)
      throw new ApiError(
        "invalid_model",
        `${path} of ${formatModelId(publication.id)} has to be changed (${taken.original.changes.join(", ")}), so its manifest cannot be published as it is: prepare it with a dry run.`,
      );
    const member = models.get(path);
    const declared = memberModel(manifest, member);
    const prefix = member === undefined ? "" : `models.${member}.`;
    const problems = [...declarationProblems(declared, taken, prefix)];
    if (problems.length > 0) throw invalidManifest(publication.id, problems);
  }
}

/**
 * Does work in a folder whose name others know, and may use at the same time.
 * @throws ApiError `publication_conflict`, `version_exists`
 */
export async function inClaimedFolder<T>(
  store: ModelStore & ModelWriter,
  publication: Publication,
  work: () => Promise<T>,
): Promise<T> {
  const { id, folder } = publication;
  if (!(await store.claimFolder(id, folder)))
    throw new ApiError(
      "publication_conflict",
      `The manifest of ${formatModelId(id)} is being published by another request, or such a request has failed: look whether the version exists, or prepare it again with a dry run.`,
      { details: { model: id.name, version: id.version } },
    );
  try {
    // The one that had the folder before may have published it.
    if (await isTaken(store, id)) throw versionExists(id);
    return await work();
  } finally {
    if (await publication.discard()) await store.releaseFolder(id, folder).catch(() => undefined);
  }
}

/**
 * Leaves the files of a version among those that were sent, to be published with the manifest as it is.
 * @throws ApiError `storage_failed`
 */
export async function keepPrepared(
  { publication, store, uploads }: Pick<DraftOptions, "publication" | "store" | "uploads">,
  manifest: Manifest,
): Promise<void> {
  const { id } = publication;
  for (const { path, sha256, sizeBytes } of manifest.files) {
    const file = await store.file(id, path);
    if (!file) throw new ApiError("storage_failed", `${path} of ${formatModelId(id)} is gone.`);
    const range = { start: 0, end: sizeBytes - 1 };
    await uploads.putPart(id, path, { sha256, sizeBytes }, range, file.body);
    // Nobody else may find it there when the version is published.
    await publication.deleteFile(path);
  }
}
