import { ApiError } from "../domain/errors.ts";
import { filesDigest } from "../domain/files-digest.ts";
import type { Manifest } from "../domain/manifest.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ObjectInventory } from "../domain/object-inventory.ts";
import type { ModelStore, RoutingStore } from "../domain/ports.ts";
import { REMOVAL_LIMIT_MS } from "../domain/removals.ts";
import { type Route, type Routing, type Tombstone, tombstoneOf } from "../domain/routing.ts";
import type { ChangeAuthor } from "../domain/routing-change.ts";
import { readVersionContent, type StoredContent } from "./read-version-content.ts";
import { createRemovals } from "./removals.ts";
import type { RoutingEditor } from "./routing/routing-editor.ts";

/** Deletes versions. */
export interface VersionDeleter {
  /**
   * Deletes a version: it does not exist from the moment on at which the routing says so. Then its objects are removed, and what this
   * isolate and the caches have of it. Called again after it was interrupted, it removes what is left.
   * @param force also a version that requests are routed to, and without the version the routes to it
   * @throws ApiError `model_not_found`, `version_not_found`, `version_in_use`, `routing_conflict`, `routing_corrupt`, `storage_failed`
   */
  delete(id: ModelId, options: DeletionOptions): Promise<Deletion>;
  /** Removes what is left of a version that was deleted; returns the number of objects, 0 for a version that was not deleted. */
  resume(id: ModelId): Promise<number>;
}

export interface DeletionOptions {
  readonly force: boolean;
  readonly author: ChangeAuthor;
}

export interface Deletion {
  readonly removedObjects: number;
  /** After the deletion. */
  readonly routing: Routing;
  /** The aliases whose routes had the version; `to` is null for one that is gone. */
  readonly removedRoutes: readonly {
    readonly alias: string;
    readonly from: Route | null;
    readonly to: Route | null;
  }[];
}

export interface DeletionEffects {
  /** Frees memory, and forgets what is counted. */
  forget(id: ModelId, manifest: Manifest | undefined): Promise<void>;
  /** Removes cached answers. @throws ApiError `storage_failed` */
  purge(id: ModelId): Promise<void>;
}

export interface VersionDeleterOptions {
  readonly inventory: ObjectInventory;
  readonly store: RoutingStore & Pick<ModelStore, "versions">;
  readonly editor: RoutingEditor;
  readonly effects: DeletionEffects;
  readonly now?: () => number;
  readonly wait?: (milliseconds: number) => Promise<void>;
}

const MAX_ATTEMPTS = 8;

export function createVersionDeleter(options: VersionDeleterOptions): VersionDeleter {
  const { inventory, store, editor, effects, now = Date.now, wait = sleep } = options;
  const removals = createRemovals(store, { now, wait });

  /** Writes the tombstone, with this removal registered in it; or registers it in the tombstone that there is. */
  async function begin(
    id: ModelId,
    removalId: string,
    { force, author }: DeletionOptions,
  ): Promise<Routing> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const registered = await removals.register(id, removalId, (tombstone) =>
        refuseFinished(id, tombstone),
      );
      if (registered) return registered;
      const changed = await editor.change(
        id.name,
        async () => {
          const content = await readVersionContent(inventory, id);
          if (!content) throw await notFound(id);
          const digest = content.manifest && (await filesDigest(content.manifest));
          return { action: "delete", version: id.version, filesDigest: digest, force, removalId };
        },
        author,
      );
      if (isRegistered(changed, id, removalId)) return changed;
    }
    throw new ApiError(
      "routing_conflict",
      `${formatModelId(id)} is being deleted and published by others: try again.`,
      { details: { model: id.name, version: id.version } },
    );
  }

  /** @throws ApiError `version_not_found` for a version that was deleted, with all of its objects */
  async function refuseFinished(id: ModelId, { at, removedAt }: Tombstone): Promise<void> {
    if (removedAt === undefined || (await store.isPublished(id))) return;
    throw new ApiError("version_not_found", `${formatModelId(id)} was deleted at ${at}.`, {
      details: { model: id.name, version: id.version, at },
    });
  }

  async function notFound({ name, version }: ModelId): Promise<ApiError> {
    const versions = (await store.versions(name)).map((each) => each.version);
    if (versions.length === 0)
      return new ApiError("model_not_found", `No model named "${name}" has been published.`);
    return new ApiError(
      "version_not_found",
      `Model "${name}" has no version ${version}: its versions are ${versions.join(", ")}.`,
      { details: { versions } },
    );
  }

  /**
   * Removes the objects of a version in whose tombstone the removal is registered, and what is cached of it. The manifest is the last: as long as it is there,
   * something may be left, and it says what.
   * @param beganAt before it was registered
   */
  async function removeObjects(id: ModelId, beganAt: number): Promise<number> {
    const remove = async (keys: readonly string[]): Promise<number> => {
      if (now() - beganAt > REMOVAL_LIMIT_MS)
        throw new ApiError(
          "storage_failed",
          `${formatModelId(id)} is deleted, but removing its objects took longer than ${REMOVAL_LIMIT_MS / 1000} seconds: delete it again.`,
        );
      await inventory.delete(keys);
      return keys.length;
    };
    const forget = async (manifest: Manifest | undefined): Promise<void> => {
      await effects.forget(id, manifest);
      await effects.purge(id);
    };
    const content = await readVersionContent(inventory, id);
    let removed = 0;
    if (content) {
      const isNeeded = await ownership(id, content);
      const manifest = inventory.manifestKey(id);
      const keys = (await inventory.objectsOf("version", id)).map(({ key }) => key);
      removed += await remove(keys.filter((key) => key !== manifest && isNeeded(key)));
      await forget(content.manifest);
      removed += await remove([manifest]);
    } else {
      await forget(undefined);
    }
    return removed;
  }

  /** Which objects of a deleted version are removed with it. The folder of another publication is left to that one, and to the collection of garbage. */
  async function ownership(id: ModelId, content: StoredContent): Promise<(key: string) => boolean> {
    // Which objects belong to a corrupt manifest is not known: all of them. No publication of this number succeeds that began before the removal or begins while
    // it is registered, so that none needs what is there now.
    if (!content.manifest) return () => true;
    const listed = new Set(await inventory.keysOf(id, content));
    return (key) => listed.has(key) || inventory.publicationOf(key) === undefined;
  }

  return {
    async delete(id, deletion) {
      const beganAt = now();
      const removalId = crypto.randomUUID();
      const begun = await begin(id, removalId, deletion);
      const removedObjects = await removeObjects(id, beganAt);
      const routing = await removals.finish(id, removalId);
      return { removedObjects, routing, removedRoutes: removedRoutes(begun, id) };
    },

    async resume(id) {
      const beganAt = now();
      const removalId = crypto.randomUUID();
      if (!(await removals.register(id, removalId, async () => undefined))) return 0;
      const removed = await removeObjects(id, beganAt);
      await removals.finish(id, removalId);
      return removed;
    },
  };
}

function isRegistered(routing: Routing, { version }: ModelId, removalId: string): boolean {
  const removing = tombstoneOf(routing, version)?.removing ?? [];
  return removing.some((removal) => removal.id === removalId);
}

/** What the deletion in the history has changed besides. */
function removedRoutes({ history }: Routing, { version }: ModelId): Deletion["removedRoutes"] {
  const deletion = history.findLast(
    (entry) => entry.action === "delete" && entry.version === version,
  );
  return history.flatMap(({ id, alias, from = null, to = null }) =>
    id !== undefined && id === deletion?.id && alias !== undefined ? [{ alias, from, to }] : [],
  );
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
