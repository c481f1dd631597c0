import {
  type CacheAddress,
  type CacheEntry,
  isInScope,
  type OwnedData,
  type Purge,
} from "../domain/cache.ts";
import { fromPartition } from "../domain/cache-partition.ts";
import { ErasureIndex, type OwnedBy } from "../domain/erasure-index.ts";

/**
 * Purges, so that whether one of them has an entry in its scope takes a moment however many there are: each erasure of the data of
 * a person leaves one for a year.
 */
export interface PurgeIndex {
  /** Whether a purge from after the entry's creation has the entry, or the address looked up, in its scope. */
  covers(entry: CacheEntry, address: Pick<CacheAddress, "model" | "client">): boolean;
  /** Whether an erasure from after its creation has it in its scope. */
  isErased(data: OwnedData): boolean;
}

export function createPurgeIndex(purges: Iterable<Purge>): PurgeIndex {
  const erasures = new ErasureIndex();
  const others = [...purges].filter((purge) => !erasures.add(purge));
  return {
    isErased: (data) => erasures.coversOwned(data),
    covers: (entry, address) =>
      (!erasures.isEmpty && erasures.covers(ownersOf(entry))) ||
      others.some(
        (purge) =>
          entry.createdAt <= purge.at && (isInScope(entry, purge) || isInScope(address, purge)),
      ),
  };
}

function ownersOf({ client, origin, createdAt }: CacheEntry): OwnedBy {
  const owner = client === undefined ? undefined : fromPartition(client);
  return {
    principals: [owner?.principal, origin?.principal],
    subject: owner?.subject,
    request: origin?.request,
    createdAt,
  };
}
