import {
  type CacheAddress,
  type Purge,
  type PurgeLog,
  type PurgeScope,
  scopeKey,
} from "../domain/cache.ts";

/**
 * Purges in memory, for tests and for a service of one isolate.
 * @param removeEntries removes the entries in a scope from the storage beside it, and returns them
 */
export function createMemoryPurgeLog(
  removeEntries: (scope: PurgeScope) => readonly CacheAddress[] = () => [],
): PurgeLog {
  /** By scope: a later purge of the same scope replaces the earlier. */
  const purges = new Map<string, Purge>();
  const record = async (scope: PurgeScope, at: number): Promise<void> =>
    void purges.set(scopeKey(scope), { ...scope, at });
  return {
    record,
    async purge(scope, at) {
      await record(scope, at);
      return { removed: removeEntries(scope), complete: true };
    },
    list: async () => [...purges.values()],
  };
}
