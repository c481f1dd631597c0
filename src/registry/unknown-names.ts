import { LruMap } from "../shared/lru-map.ts";
import type { ModelListing } from "./model-listing.ts";

/** Names that no model has, remembered for as long as a listing stays fresh. */
export interface UnknownNames {
  /** Whether the name is known to be unknown, so that storage need not be asked. */
  has(name: string): Promise<boolean>;
  add(name: string): void;
  delete(name: string): void;
}

/** Apart from the listings of models, which names made up by clients must not evict. */
const MAX_NAMES = 1000;
/**
 * Unknown names in the lifetime of a listing after which all models are listed: from then on a new name costs no call of
 * storage, however many clients make up.
 */
const MAX_MISSES = 20;
/** A request that lists may be ended by the platform; then another one lists. */
const MAX_LISTING_MS = 10_000;

export function createUnknownNames(
  all: Pick<ModelListing, "list" | "names">,
  { ttlMs, now }: { readonly ttlMs: number; readonly now: () => number },
): UnknownNames {
  /** When each was added. */
  const names = new LruMap<string, number>(MAX_NAMES);
  let periodStart = Number.NEGATIVE_INFINITY;
  let misses = 0;
  let listingSince = Number.NEGATIVE_INFINITY;

  function countMiss(): void {
    if (now() - periodStart >= ttlMs) {
      periodStart = now();
      misses = 0;
    }
    misses += 1;
  }

  return {
    async has(name) {
      const addedAt = names.peek(name);
      if (addedAt !== undefined && now() - addedAt < ttlMs) return true;
      if (now() - periodStart >= ttlMs || misses < MAX_MISSES) return false;
      const known = all.names();
      if (known) return !known.has(name);
      // One request lists for all; the others ask for their own name meanwhile.
      if (now() - listingSince < MAX_LISTING_MS) return false;
      listingSince = now();
      await all.list();
      listingSince = Number.NEGATIVE_INFINITY;
      const listed = all.names();
      // A listing that is too long to be kept is not read for each name.
      if (!listed) misses = Number.NEGATIVE_INFINITY;
      return listed?.has(name) === false;
    },
    add(name) {
      if (ttlMs === 0) return;
      names.set(name, now());
      countMiss();
    },
    delete: (name) => void names.delete(name),
  };
}
