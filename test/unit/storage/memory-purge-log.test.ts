import { describe, expect, test } from "vitest";
import { type CacheAddress, isInScope } from "../../../src/domain/cache.ts";
import { createMemoryPurgeLog } from "../../../src/storage/memory-purge-log.ts";
import { testPurgeLog } from "../../contracts/purge-log.ts";

describe("a log of purges in memory", () => {
  testPurgeLog(async () => {
    let entries: CacheAddress[] = [];
    return {
      log: createMemoryPurgeLog((scope) => {
        const removed = entries.filter((entry) => isInScope(entry, scope));
        entries = entries.filter((entry) => !isInScope(entry, scope));
        return removed;
      }),
      put: async (address) => void entries.push(address),
      keys: async () => entries.map(({ key }) => key),
      dispose: async () => undefined,
    };
  });

  test("needs no storage beside it", async () => {
    const log = createMemoryPurgeLog();
    expect(await log.purge({ model: "iris" }, 5)).toEqual({ removed: [], complete: true });
    expect(await log.list()).toEqual([{ model: "iris", at: 5 }]);
  });
});
