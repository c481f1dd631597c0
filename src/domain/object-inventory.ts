import type { Manifest } from "./manifest.ts";
import type { ModelId } from "./model-id.ts";
import type { StoredObject } from "./object-store.ts";

/** What object storage has of versions, by object: for those who delete. */
export interface ObjectInventory {
  /** The groups of objects in the order of their keys. Objects of other kinds are in none. */
  groups(options?: GroupOptions): AsyncIterable<ObjectGroup>;
  /** The objects of one group now; none when there is no such group. */
  objectsOf(area: ObjectArea, id: ModelId): Promise<readonly StoredObject[]>;
  /** The group of a key, if it is of the kind that belongs to one. */
  groupOf(key: string): Pick<ObjectGroup, "area" | "id"> | undefined;
  /** The folder of the publication that an object of a version belongs to; `undefined` for one that is in none. */
  publicationOf(key: string): string | undefined;
  /** The manifest's text; `undefined` when there is none. */
  manifestText(id: ModelId): Promise<string | undefined>;
  manifestKey(id: ModelId): string;
  /** All keys of a version but that of its manifest. */
  keysOf(id: ModelId, version: VersionContent): Promise<readonly string[]>;
  /** @throws ApiError `storage_failed` when some may be left */
  delete(keys: readonly string[]): Promise<void>;
}

/** The captures of a version whose retention has ended, its objects, and the files that were uploaded for it. */
export const OBJECT_AREAS = ["captures", "version", "uploads"] as const;
export type ObjectArea = (typeof OBJECT_AREAS)[number];

export interface ObjectGroup {
  readonly area: ObjectArea;
  readonly id: ModelId;
  readonly objects: readonly StoredObject[];
  /** Where a listing goes on after the group. */
  readonly lastKey: string;
}

export interface GroupOptions {
  /** Only groups whose keys follow this one, which is the last key of a group. */
  readonly after?: string | undefined;
  /** All by default, in the order of {@link OBJECT_AREAS}. */
  readonly areas?: readonly ObjectArea[];
}

export interface VersionContent {
  readonly manifest: Manifest;
  /** The exact text of the manifest. */
  readonly text: string;
}
