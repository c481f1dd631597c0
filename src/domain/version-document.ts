import type { ModelId } from "./model-id.ts";

export interface StoredDocument {
  /** JSON, not yet validated; a text that is not JSON otherwise. */
  readonly value: unknown;
  readonly etag: string;
}

/** One document of JSON beside each version, or none. */
export interface VersionDocumentStore {
  /** `undefined` when there is none; @throws ApiError `storage_failed` */
  read(id: ModelId): Promise<StoredDocument | undefined>;
  /** Replaces the one before; @returns the new entity tag */
  write(id: ModelId, value: object): Promise<string>;
  delete(id: ModelId): Promise<void>;
}
