import type { ModelId } from "../model-id.ts";

export interface StoredProfile {
  /** JSON, not yet validated; a text that is not JSON otherwise. */
  readonly value: unknown;
  readonly etag: string;
}

/** The reference profiles of versions, one or none of each. */
export interface ProfileStore {
  /** `undefined` when there is none; @throws ApiError `storage_failed` */
  read(id: ModelId): Promise<StoredProfile | undefined>;
  /** Replaces the one before; @returns the new entity tag */
  write(id: ModelId, value: object): Promise<string>;
  delete(id: ModelId): Promise<void>;
}
