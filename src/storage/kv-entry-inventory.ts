import { type CacheAddress, type EntryInventory, isInScope } from "../domain/cache.ts";
import { ApiError } from "../domain/errors.ts";
import { guarded } from "./guarded.ts";
import {
  DELETIONS_AT_ONCE,
  type EntryMetadata,
  fromListed,
  predictionKeyOf,
  predictionPrefix,
} from "./kv-prediction-keys.ts";

/** Where a page ends: KV's own cursor, and of its page the last key that was looked at. */
interface Position {
  readonly page?: string | undefined;
  readonly after?: string | undefined;
}

/** Lists the entries that the KV namespace has. */
export function createKvEntryInventory(namespace: KVNamespace): EntryInventory {
  return {
    find: (scope, { limit, cursor }) =>
      guarded("the cached predictions could not be listed", async () => {
        const { page, after } = parsePosition(cursor);
        const prefix = predictionPrefix(scope);
        const listed: KVNamespaceListResult<EntryMetadata> = await namespace.list<EntryMetadata>(
          page === undefined ? { prefix } : { prefix, cursor: page },
        );
        const found: CacheAddress[] = [];
        let expiresAt: number | undefined;
        for (const key of listed.keys) {
          if (after !== undefined && key.name <= after) continue;
          const address = fromListed(key);
          if (!address || !isInScope(address, scope)) continue;
          found.push(address);
          if (key.expiration) expiresAt = Math.max(expiresAt ?? 0, key.expiration * 1000);
          if (found.length === limit)
            return { found, expiresAt, cursor: toCursor({ page, after: key.name }) };
        }
        const next = listed.list_complete ? undefined : toCursor({ page: listed.cursor });
        return { found, expiresAt, cursor: next };
      }),

    get: (address) =>
      guarded("a cached prediction could not be read", async () => {
        const value = await namespace.get(predictionKeyOf(address), "arrayBuffer");
        return value ? new Uint8Array(value) : undefined;
      }),

    delete: (addresses) =>
      guarded(`of ${addresses.length} cached predictions some could not be deleted`, async () => {
        for (let start = 0; start < addresses.length; start += DELETIONS_AT_ONCE)
          await Promise.all(
            addresses
              .slice(start, start + DELETIONS_AT_ONCE)
              .map((address) => namespace.delete(predictionKeyOf(address))),
          );
      }),
  };
}

function toCursor(position: Position): string {
  return JSON.stringify(position);
}

/** @throws ApiError `invalid_request` */
function parsePosition(cursor: string | undefined): Position {
  if (cursor === undefined) return {};
  try {
    return JSON.parse(cursor) as Position;
  } catch (cause) {
    throw new ApiError("invalid_request", "The cursor is not one of a page before.", { cause });
  }
}
