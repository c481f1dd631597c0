import type { ManifestDraft } from "../../domain/manifest.ts";
import type { ModelHost } from "../../domain/model-host.ts";
import type { ModelStore } from "../../domain/ports.ts";
import type { UploadStore } from "../../domain/upload-store.ts";
import type { ExportBudget } from "../exports/memory-fit.ts";
import { REPR_DIGEST } from "./check-digest.ts";
import { invalidManifest } from "./manifest-problems.ts";
import { toFileName } from "./sent-model.ts";
import { type TakenModel, type TakeOptions, takeModel } from "./take-model.ts";

export interface DraftOptions extends TakeOptions {
  readonly store: ModelStore;
  readonly uploads: UploadStore;
  readonly host: ModelHost;
  readonly budget: ExportBudget;
  readonly now: () => Date;
}

/** A model that was sent as a file of the version. */
export function takeSent(
  options: TakeOptions,
  path: string,
  draft: ManifestDraft,
): Promise<TakenModel> {
  const { upload, digests } = findFile(options, path, draft);
  const body = options.sent.open(upload);
  const { sizeBytes } = upload;
  return takeModel(options, { path, name: toFileName(path), body, sizeBytes, digests });
}

/** A sent file, with the digests that it must have. */
export function findFile(
  { sent, publication }: TakeOptions,
  path: string,
  { files = [] }: ManifestDraft,
) {
  const index = files.findIndex((file) => file.path === path);
  const entry = files[index];
  const upload = sent.require(path, sent.pinOf(path) ?? entry?.sha256);
  if (entry && entry.sizeBytes !== upload.sizeBytes)
    throw invalidManifest(publication.id, [
      {
        field: `files[${index}].sizeBytes`,
        message: `is ${entry.sizeBytes}, but ${path} was sent with ${upload.sizeBytes} bytes`,
        expected: upload.sizeBytes,
        actual: entry.sizeBytes,
      },
    ]);
  const digests = {
    [REPR_DIGEST]: upload.sha256,
    "the request's files": sent.pinOf(path),
    [`the manifest's files[${index}].sha256`]: entry?.sha256,
  };
  return { upload, digests };
}
