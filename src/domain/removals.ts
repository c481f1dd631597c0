import { MAX_REMOVALS, type Routing, type Tombstone, tombstoneOf } from "./routing.ts";

/**
 * Removals of the objects of deleted versions. Object storage deletes without a condition, so whoever removes objects of a version registers in its tombstone
 * before and says when it has finished: a publication of the same number waits for that (`docs/adr/2026-11-30-deletion-and-garbage.md`).
 */

/** A removal that may still run. */
export interface Removal {
  readonly id: string;
  /** When it was registered, ISO 8601. */
  readonly at: string;
}

const MINUTE_MS = 60_000;

/** A removal begins to delete objects within this time of its registration, or not at all. */
export const REMOVAL_LIMIT_MS = MINUTE_MS;

/** From this age on a registered removal has no effect any more, even if its last operation of storage took ten minutes. */
export const REMOVAL_EXPIRES_MS = 15 * MINUTE_MS;

/** The registered removals that may still have an effect. */
export function runningRemovals(
  { removing = [] }: Pick<Tombstone, "removing">,
  now: number,
): readonly Removal[] {
  return removing.filter(({ at }) => now - Date.parse(at) < REMOVAL_EXPIRES_MS);
}

/**
 * The routing with a removal registered; those that are too old are dropped.
 * @returns `undefined` when the version is not deleted, or too many removals run
 */
export function withRemoval(
  routing: Routing,
  version: string,
  removal: Removal,
): Routing | undefined {
  const tombstone = tombstoneOf(routing, version);
  if (!tombstone) return undefined;
  const running = runningRemovals(tombstone, Date.parse(removal.at));
  if (running.some(({ id }) => id === removal.id)) return routing;
  if (running.length >= MAX_REMOVALS) return undefined;
  return withTombstone(routing, version, { ...tombstone, removing: [...running, removal] });
}

/** The routing without a removal, which has removed everything. */
export function withoutRemoval(
  routing: Routing,
  version: string,
  id: string,
  removedAt: string,
): Routing {
  const tombstone = tombstoneOf(routing, version);
  if (!tombstone?.removing?.some((removal) => removal.id === id)) return routing;
  const { removing, ...rest } = tombstone;
  const others = removing.filter((removal) => removal.id !== id);
  return withTombstone(routing, version, {
    ...rest,
    ...(others.length > 0 && { removing: others }),
    removedAt,
  });
}

function withTombstone(routing: Routing, version: string, tombstone: Tombstone): Routing {
  return { ...routing, deleted: { ...routing.deleted, [version]: tombstone } };
}
