import type { CacheAddress, Purge, PurgeLog, PurgeScope } from "../domain/cache.ts";

/**
 * Purges in memory, for tests and for a service of one isolate.
 * @param removeEntries removes the entries in a scope from the storage beside it, and returns them
 */
export function createMemoryPurgeLog(
  removeEntries: (scope: PurgeScope) => readonly CacheAddress[] = () => [],
): PurgeLog {
  /** By scope: a later purge of the same scope replaces the earlier. */
  const purges = new Map<string, Purge>();
  return {
    async purge(scope, at) {
      const { model, version, client } = scope;
      purges.set(JSON.stringify([model, version, client]), { ...scope, at });
      return { removed: removeEntries(scope), complete: true };
    },
    list: async () => [...purges.values()],
  };
}
