import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { RoutingStore } from "../domain/ports.ts";
import { REMOVAL_EXPIRES_MS, runningRemovals } from "../domain/removals.ts";
import { type Tombstone, tombstoneOf } from "../domain/routing.ts";
import type { ChangeAuthor } from "../domain/routing-change.ts";
import { readRouting } from "./routing/read-routing.ts";
import type { RoutingEditor } from "./routing/routing-editor.ts";

/** What a publication has to do with the tombstone of its number, if that version was deleted. */
export interface Tombstones {
  /**
   * To be called before the first file is written.
   * @returns the tombstone of a version that was deleted, for {@link checkFiles} and {@link commit}
   * @throws ApiError `version_deleted` for a number that cannot be published again, or not now; `routing_corrupt`, `storage_failed`
   */
  check(id: ModelId, options: Pick<RepublishOptions, "force">): Promise<Tombstone | undefined>;
  /**
   * To be called before the manifest is written.
   * @throws ApiError `version_deleted` for other files than those that were deleted, without force
   */
  checkFiles(id: ModelId, tombstone: Tombstone | undefined, options: RepublishOptions): void;
  /**
   * To be called after the manifest was written: the version exists when this is fulfilled.
   * @throws ApiError `version_deleted` when it was deleted since {@link check}, `version_exists` when the manifest is not the
   *   written one any more, what the editor throws
   */
  commit(id: ModelId, publication: WrittenPublication): Promise<void>;
}

export interface RepublishOptions {
  /** Of the files, as `filesDigest` makes it. */
  readonly digest: string;
  /** Publishes other files under the number of a deleted version. */
  readonly force: boolean;
}

export interface WrittenPublication {
  /** What {@link Tombstones.check} returned. */
  readonly tombstone: Tombstone | undefined;
  readonly author: ChangeAuthor;
  /** Whether the manifest in storage is the one that was written. */
  isWritten(): Promise<boolean>;
}

export function createTombstones(
  store: Pick<RoutingStore, "routing" | "isPublished">,
  editor: RoutingEditor,
  now: () => number = Date.now,
): Tombstones {
  return {
    checkFiles(id, tombstone, { digest, force }) {
      if (!tombstone || force || tombstone.filesDigest === digest) return;
      throw refused(
        id,
        tombstone,
        "its number can only be used again with the same files. Publish another version, or use force",
      );
    },

    async check(id, { force }) {
      const { routing } = await readRouting(store, id.name);
      const tombstone = tombstoneOf(routing, id.version);
      if (!tombstone) return undefined;
      if (!force && tombstone.filesDigest === undefined)
        throw refused(
          id,
          tombstone,
          "which files it had is not known. Publish another version, or use force",
        );
      const [running] = runningRemovals(tombstone, now());
      if (running) {
        const seconds = Math.ceil((Date.parse(running.at) + REMOVAL_EXPIRES_MS - now()) / 1000);
        throw refused(
          id,
          tombstone,
          `it is being deleted. Publish it when that has ended; if it was interrupted, in ${seconds} seconds`,
        );
      }
      if (await store.isPublished(id))
        throw refused(id, tombstone, "its deletion was interrupted. Delete it again first");
      return tombstone;
    },

    async commit(id, { tombstone, author, isWritten }) {
      await editor.change(
        id.name,
        async (current) => {
          // After the routing was read: whoever removes the manifest changes the routing before.
          if (!(await isWritten()))
            throw new ApiError(
              "version_exists",
              `${formatModelId(id)} was deleted and published again by somebody else meanwhile.`,
              { details: { model: id.name, version: id.version } },
            );
          const found = tombstoneOf(current, id.version);
          if (found && JSON.stringify(found) !== JSON.stringify(tombstone))
            throw refused(id, found, "that was while it was being published. Publish it again");
          return { action: "publish", version: id.version };
        },
        author,
      );
    },
  };
}

function refused(id: ModelId, { at, filesDigest }: Tombstone, why: string): ApiError {
  return new ApiError("version_deleted", `${formatModelId(id)} was deleted at ${at}, and ${why}.`, {
    details: { model: id.name, version: id.version, at, filesDigest },
  });
}
