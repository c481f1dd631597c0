import { ApiError } from "../../domain/errors.ts";
import {
  type Manifest,
  type ManifestDraft,
  manifestDraftSchema,
  manifestSchema,
} from "../../domain/manifest.ts";
import type { ModelId } from "../../domain/model-id.ts";
import { publicationFolderOf } from "../../domain/publication-folder.ts";
import type { ChangeAuthor } from "../../domain/routing-change.ts";
import type { TaskKind } from "../../domain/task-kinds.ts";
import { invalidManifest, schemaProblems } from "./manifest-problems.ts";
import type { FilePin } from "./sent-files.ts";

/** What is to be published, of the files that were sent for a version. */
export interface PublishRequest {
  /** The model itself, where it is the body of the request. */
  readonly model?: {
    readonly body: ReadableStream<Uint8Array>;
    readonly sizeBytes: number;
    readonly digests: Readonly<Record<string, string | undefined>>;
  };
  /** Whole, or a part of it: what is left out is read of the model, or proposed. */
  readonly manifest?: unknown;
  readonly task?: TaskKind | undefined;
  readonly labels?: readonly string[] | undefined;
  /** Tokens of prompt and answer together, of a model that generates. */
  readonly context?: number | undefined;
  /** The path of the model, where several were sent. */
  readonly file?: string | undefined;
  readonly files?: readonly FilePin[] | undefined;
  /** A bundle that signs the text of a prepared manifest. */
  readonly signature?: object | undefined;
  /** Publishes a number that was deleted with other files. */
  readonly force?: boolean | undefined;
  /** Who publishes, for the history of the model. */
  readonly author: ChangeAuthor;
  /** Whether all is done but the publication. */
  readonly dryRun?: boolean | undefined;
}

/** @throws ApiError `invalid_manifest`, `invalid_request` for what is asked for twice */
export function parseDraft(id: ModelId, request: PublishRequest): ManifestDraft {
  const { manifest, task, labels, file } = request;
  if (manifest === undefined) return {};
  const result = manifestDraftSchema.safeParse(manifest);
  if (!result.success) throw invalidManifest(id, schemaProblems(result.error), result.error);
  const draft = result.data;
  for (const [field, asked, given] of [
    ["task", task, draft.task],
    ["labels", labels, draft.labels],
    ["file", file, draft.file],
  ] as const)
    if (asked !== undefined && given !== undefined && String(asked) !== String(given))
      throw new ApiError(
        "invalid_request",
        `${field} is given twice, and differs: ${JSON.stringify(asked)}, and ${JSON.stringify(given)} in the manifest. Send one of them.`,
        { details: { field } },
      );
  return draft;
}

/** A manifest that a dry run has returned, which is published as it is, to the last byte. */
export interface PreparedManifest {
  readonly manifest: Manifest;
  /** That of all of its files. */
  readonly folder: string;
}

/** @returns `undefined` for a manifest whose files still have to be put into a folder */
export function findPrepared({ manifest: value }: PublishRequest): PreparedManifest | undefined {
  const result = manifestSchema.safeParse(value);
  if (!result.success) return undefined;
  const folders = new Set(result.data.files.map(({ path }) => publicationFolderOf(path)));
  const [folder] = folders;
  return folders.size === 1 && folder !== undefined ? { manifest: result.data, folder } : undefined;
}
