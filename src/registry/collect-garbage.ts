import { ApiError, toApiError } from "../domain/errors.ts";
import type { ModelId } from "../domain/model-id.ts";
import type { ObjectArea, ObjectGroup, ObjectInventory } from "../domain/object-inventory.ts";
import type { RoutingStore } from "../domain/ports.ts";
import type { VersionDeleter } from "./delete-version.ts";
import { FailuresInARow } from "./failures-in-a-row.ts";
import { createGarbageRules, type Orphan } from "./garbage-rules.ts";

/** Finds and removes what storage has and nothing needs. */
export interface GarbageCollector {
  /** What {@link collect} would remove; with what is still too young for it. Changes nothing. */
  find(options: GarbageOptions): Promise<GarbagePage>;
  /**
   * Removes orphans. One that cannot be removed does not keep the others.
   * @param keys only these, of those that are orphans
   */
  collect(
    options: GarbageOptions & { readonly keys?: readonly string[] | undefined },
  ): Promise<CollectedPage>;
}

export interface GarbageOptions {
  /** Younger objects are not removed; those of versions have a minimum besides, `MIN_GARBAGE_AGE_MS`. */
  readonly olderThanMs: number;
  /** Of the page before; from the beginning when left out. */
  readonly cursor?: string | undefined;
  readonly areas?: readonly ObjectArea[];
}

export interface GarbagePage {
  readonly orphans: readonly Orphan[];
  /** Versions whose objects were left alone, because storage does not say what they need. */
  readonly skipped: readonly SkippedVersion[];
  /** Where to go on; `undefined` at the end. */
  readonly cursor: string | undefined;
}

export interface SkippedVersion extends ModelId {
  readonly problem: string;
}

export interface CollectedPage extends Pick<GarbagePage, "skipped"> {
  readonly removed: readonly Orphan[];
  readonly failed: readonly (Orphan & { readonly problem: string })[];
  readonly cursor: string | undefined;
}

export interface GarbageCollectorOptions {
  readonly inventory: ObjectInventory;
  readonly routings: Pick<RoutingStore, "routing">;
  readonly deleter: Pick<VersionDeleter, "resume">;
  readonly now?: () => number;
}

/** A page ends with the group in which one of these is reached: a Worker may make 1,000 calls of storage for a request. */
const MAX_GROUPS = 200;
const MAX_OBJECTS = 20_000;
const MAX_ORPHANS = 1000;
const LEFT = "Object storage fails: this one was left. Try again.";

export function createGarbageCollector(options: GarbageCollectorOptions): GarbageCollector {
  const { inventory, routings, deleter, now = Date.now } = options;
  const orphansOf = createGarbageRules({ inventory, routings, now });

  /** Evaluates groups one after the other; one that cannot be evaluated does not keep the others. */
  function createPage(olderThanMs: number): {
    readonly orphans: Orphan[];
    readonly skipped: SkippedVersion[];
    /** Whether storage fails, so that the page ends. */
    readonly isOver: boolean;
    add(group: ObjectGroup): Promise<void>;
  } {
    const failures = new FailuresInARow();
    const orphans: Orphan[] = [];
    const skipped: SkippedVersion[] = [];
    return {
      orphans,
      skipped,
      get isOver() {
        return failures.isTooMany;
      },
      async add(group) {
        try {
          orphans.push(...(await orphansOf(group, olderThanMs)));
          failures.note();
        } catch (error) {
          failures.note(error);
          skipped.push({ ...group.id, problem: toApiError(error).message });
        }
      },
    };
  }

  async function find({ olderThanMs, cursor, areas }: GarbageOptions): Promise<GarbagePage> {
    const after = cursor === undefined ? undefined : parseCursor(inventory, cursor);
    const page = createPage(olderThanMs);
    const { orphans, skipped } = page;
    let groups = 0;
    let objects = 0;
    for await (const group of inventory.groups({ after, ...(areas && { areas }) })) {
      await page.add(group);
      groups += 1;
      objects += group.objects.length;
      const isLong =
        groups >= MAX_GROUPS || objects >= MAX_OBJECTS || orphans.length >= MAX_ORPHANS;
      if (isLong || page.isOver) return { orphans, skipped, cursor: group.lastKey };
    }
    return { orphans, skipped, cursor: undefined };
  }

  async function findKeys(
    keys: readonly string[],
    { olderThanMs }: GarbageOptions,
  ): Promise<GarbagePage> {
    const groups = new Map<string, Pick<ObjectGroup, "area" | "id">>();
    for (const key of keys) {
      const group = inventory.groupOf(key);
      if (group) groups.set(JSON.stringify(group), group);
    }
    const page = createPage(olderThanMs);
    const { orphans, skipped } = page;
    const [...all] = groups.values();
    for (const { id } of all.slice(MAX_GROUPS))
      skipped.push({
        ...id,
        problem: `A request looks at ${MAX_GROUPS} versions: send its keys again.`,
      });
    for (const { area, id } of all.slice(0, MAX_GROUPS)) {
      if (page.isOver) skipped.push({ ...id, problem: LEFT });
      else await page.add({ area, id, objects: await inventory.objectsOf(area, id), lastKey: "" });
    }
    return { orphans: orphans.filter(({ key }) => keys.includes(key)), skipped, cursor: undefined };
  }

  return {
    find,

    async collect({ keys, ...rest }) {
      const { orphans, skipped, cursor } = keys ? await findKeys(keys, rest) : await find(rest);
      const removable = orphans.filter(({ isProtected }) => !isProtected);
      const removed: Orphan[] = [];
      const failed: (Orphan & { problem: string })[] = [];
      const failures = new FailuresInARow();
      const fail = (some: readonly Orphan[], problem: string): void =>
        void failed.push(...some.map((orphan) => ({ ...orphan, problem })));
      const attempt = async (some: readonly Orphan[], work: () => Promise<unknown>) => {
        if (failures.isTooMany) return fail(some, LEFT);
        try {
          await work();
          failures.note();
          removed.push(...some);
        } catch (error) {
          failures.note(error);
          fail(some, toApiError(error).message);
        }
      };
      for (const [id, some] of deletedVersions(removable))
        await attempt(some, () => deleter.resume(id));
      const others = removable.filter(({ reason }) => reason !== "version-deleted");
      if (others.length > 0)
        await attempt(others, () => inventory.delete(others.map(({ key }) => key)));
      return { removed, failed, skipped, cursor };
    },
  };
}

/** Deletions that were interrupted, with the objects that are left. */
function deletedVersions(
  orphans: readonly Orphan[],
): Iterable<readonly [ModelId, readonly Orphan[]]> {
  const deleted = orphans.filter(({ reason }) => reason === "version-deleted");
  const groups = Map.groupBy(deleted, ({ id }) => `${id.name}/${id.version}`);
  return [...groups.values()].flatMap((some) => (some[0] ? [[some[0].id, some] as const] : []));
}

/** @throws ApiError `invalid_request` */
function parseCursor(inventory: Pick<ObjectInventory, "groupOf">, cursor: string): string {
  if (inventory.groupOf(cursor)) return cursor;
  throw new ApiError(
    "invalid_request",
    `The cursor is not one of a page before: send it as it was returned, or none to begin at the first object.`,
    { details: { field: "cursor" } },
  );
}
