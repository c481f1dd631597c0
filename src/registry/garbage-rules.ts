import type { ModelId } from "../domain/model-id.ts";
import type { ObjectGroup, ObjectInventory } from "../domain/object-inventory.ts";
import type { StoredObject } from "../domain/object-store.ts";
import type { RoutingStore } from "../domain/ports.ts";
import { tombstoneOf } from "../domain/routing.ts";
import { MIN_GARBAGE_AGE_MS } from "./publication-limits.ts";
import { readVersionContent } from "./read-version-content.ts";
import { readRouting } from "./routing/read-routing.ts";

/** Why nothing needs an object. */
export const ORPHAN_REASONS = [
  /** No manifest was put: a publication that was interrupted, or that failed. */
  "no-manifest",
  /** The version exists, and its manifest does not list the object. */
  "not-in-manifest",
  /** The version was deleted, and not everything was removed. */
  "version-deleted",
  /** Uploaded, and not published. */
  "upload",
  /** A capture whose retention has ended. */
  "capture-expired",
] as const;
export type OrphanReason = (typeof ORPHAN_REASONS)[number];

/** An object that nothing needs. */
export interface Orphan {
  readonly key: string;
  readonly id: ModelId;
  readonly sizeBytes: number;
  readonly reason: OrphanReason;
  /** Since it was written, in milliseconds; of uploads, since the last one for the version. */
  readonly ageMs: number;
  /** Too young to be removed: a publication that has not ended may need it. */
  readonly isProtected: boolean;
}

/**
 * The orphans of a group.
 * @throws ApiError `routing_corrupt`, `storage_failed`
 */
export type OrphansOf = (group: ObjectGroup, olderThanMs: number) => Promise<readonly Orphan[]>;

export interface GarbageRulesOptions {
  readonly inventory: Pick<ObjectInventory, "manifestText" | "manifestKey" | "keysOf">;
  readonly routings: Pick<RoutingStore, "routing">;
  readonly now: () => number;
}

/**
 * Decides what is garbage. An object of a version is removed without a lock, and safely, because of its age: a publication puts its manifest within
 * `PUBLICATION_LIMIT_MS` of its first file, or not at all, and writes to no key that was written to before `PREPARED_LIMIT_MS`. The group was listed before its
 * manifest is read here. So of an object that was old enough when it was listed, any manifest that will ever name it is there by now.
 */
export function createGarbageRules({ inventory, routings, now }: GarbageRulesOptions): OrphansOf {
  async function orphansOfVersion(group: ObjectGroup, olderThanMs: number): Promise<Orphan[]> {
    const { id, objects } = group;
    // Before the manifest is read.
    const at = now();
    const minAgeMs = Math.max(olderThanMs, MIN_GARBAGE_AGE_MS);
    const toOrphan = (object: StoredObject, reason: OrphanReason, since: number): Orphan => {
      const ageMs = Math.max(0, at - since);
      return { ...pick(object), id, reason, ageMs, isProtected: ageMs < minAgeMs };
    };
    const content = await readVersionContent(inventory, id);
    if (!content) return objects.map((each) => toOrphan(each, "no-manifest", each.writtenAt));
    const { routing } = await readRouting(routings, id.name);
    const tombstone = tombstoneOf(routing, id.version);
    // Which objects belong to a corrupt manifest is not known: all of them.
    const keys = content.manifest
      ? [inventory.manifestKey(id), ...(await inventory.keysOf(id, content))]
      : objects.map(({ key }) => key);
    const needed = new Set(keys);
    const others = objects.filter(({ key }) => !needed.has(key));
    const left = tombstone ? objects.filter(({ key }) => needed.has(key)) : [];
    // A removal may be running, or a publication that removes the tombstone.
    const changedAt = Math.max(Date.parse(tombstone?.at ?? ""), newest(objects));
    return [
      ...others.map((each) => toOrphan(each, "not-in-manifest", each.writtenAt)),
      ...left.map((each) => toOrphan(each, "version-deleted", changedAt)),
    ];
  }

  return async (group, olderThanMs) => {
    if (group.area === "version") return orphansOfVersion(group, olderThanMs);
    if (group.area === "captures") return expiredCaptures(group, now());
    return orphansOfUploads(group, olderThanMs, now());
  };
}

/** Uploads for one version belong together: as long as some are sent, the others are needed. */
function orphansOfUploads(
  { id, objects }: ObjectGroup,
  olderThanMs: number,
  now: number,
): Orphan[] {
  const ageMs = Math.max(0, now - newest(objects));
  const isProtected = ageMs < olderThanMs;
  return objects.map((each) => ({ ...pick(each), id, reason: "upload", ageMs, isProtected }));
}

/** The end of a retention was promised, so nothing delays it. */
function expiredCaptures({ id, objects }: ObjectGroup, now: number): Orphan[] {
  return objects.map((each) => {
    const ageMs = Math.max(0, now - each.writtenAt);
    return { ...pick(each), id, reason: "capture-expired", ageMs, isProtected: false };
  });
}

function newest(objects: readonly StoredObject[]): number {
  return objects.reduce((latest, { writtenAt }) => Math.max(latest, writtenAt), 0);
}

function pick({ key, sizeBytes }: StoredObject): Pick<Orphan, "key" | "sizeBytes"> {
  return { key, sizeBytes };
}
