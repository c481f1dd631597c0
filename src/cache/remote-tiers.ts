import type { CacheAddress, CacheEntry, CacheTier, CacheTierName } from "../domain/cache.ts";
import type { CacheReport } from "../domain/cache-control.ts";
import { fromPartition } from "../domain/cache-partition.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { within } from "../shared/within.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import type { FoundEntry } from "./lookup.ts";

/** An entry of a remote tier. */
interface RemoteEntry extends FoundEntry {
  readonly tier: CacheTier["name"];
}

/** The tiers that isolates share, in the order in which they are read. A failure costs a miss. */
export interface RemoteTiers {
  readonly count: number;
  /**
   * Reads one tier after the other.
   * @param accept whether an entry may be used
   * @returns the first accepted entry, and the position of its tier
   */
  find(
    address: CacheAddress,
    report: CacheReport,
    accept: (found: RemoteEntry) => boolean,
  ): Promise<{ readonly found: RemoteEntry; readonly position: number } | undefined>;
  /**
   * Writes an entry once the response has been sent.
   * @param isPurged whether the entry must not be written any more
   * @param count of the tiers to write, from the first one on; all of them when left out
   */
  write(
    entry: CacheEntry,
    ttlSeconds: number,
    isPurged: () => boolean,
    count?: number,
  ): Promise<void>;
  /** Removes entries from the tiers other than `except`. */
  remove(addresses: readonly CacheAddress[], except: CacheTierName): Promise<void>;
  /** Writes that failed since the isolate started, by tier. */
  failedWrites(): Readonly<Record<string, number>>;
}

export interface RemoteTiersOptions {
  /** A tier that takes longer to read counts as a miss. */
  readonly readTimeoutMs: number;
  /** One that takes longer to write or to delete has failed. */
  readonly writeTimeoutMs: number;
}

export function createRemoteTiers(
  tiers: readonly CacheTier[],
  { readTimeoutMs, writeTimeoutMs }: RemoteTiersOptions,
): RemoteTiers {
  const failedWrites = Object.fromEntries(tiers.map(({ name }) => [name, 0]));

  /** @returns the entry of one tier; a failure is reported, and is a miss */
  async function read(
    tier: CacheTier,
    address: CacheAddress,
    report: CacheReport,
  ): Promise<RemoteEntry | undefined> {
    const fail = (problem: string): undefined => {
      report.failures.push({ tier: tier.name, problem });
      return undefined;
    };
    try {
      const reading = tier.get(address);
      if (!(await settlesWithin(reading, readTimeoutMs))) {
        reading.catch(() => undefined);
        return fail(`slower than ${readTimeoutMs} ms`);
      }
      const bytes = await reading;
      if (!bytes) return undefined;
      const entry = await decodeEntry(bytes, address.key);
      if (!entry) return fail("not a whole entry");
      return { entry, tier: tier.name, sizeBytes: bytes.byteLength };
    } catch (error) {
      return fail(String(error));
    }
  }

  /** A Worker deletes from the Cache API of its own data center only, so what belongs to a subject is never there. */
  function tiersOf({ client }: Pick<CacheAddress, "client">): readonly CacheTier[] {
    const hasSubject = client !== undefined && fromPartition(client).subject !== undefined;
    return hasSubject ? tiers.filter(({ name }) => name !== "datacenter") : tiers;
  }

  return {
    count: tiers.length,

    async find(address, report, accept) {
      for (const [position, tier] of tiersOf(address).entries()) {
        const found = await read(tier, address, report);
        if (found && accept(found)) return { found, position };
      }
      return undefined;
    },

    async write(entry, ttlSeconds, isPurged, count = tiers.length) {
      await afterResponse();
      if (isPurged()) return;
      const bytes = await encodeEntry(entry);
      await Promise.all(
        tiersOf(entry)
          .slice(0, count)
          .map(async (tier) => {
            try {
              await within(tier.put(entry, bytes, ttlSeconds), writeTimeoutMs);
            } catch {
              // The next request has a miss; no request is left to report it to.
              failedWrites[tier.name] = (failedWrites[tier.name] ?? 0) + 1;
            }
          }),
      );
    },

    async remove(addresses, except) {
      await Promise.allSettled(
        addresses.flatMap((address) =>
          tiersOf(address)
            .filter(({ name }) => name !== except)
            .map(async (tier) => within(tier.delete(address), writeTimeoutMs)),
        ),
      );
    },

    failedWrites: () => ({ ...failedWrites }),
  };
}

/** A new task of the event loop begins when no promise of this request can settle any more. */
function afterResponse(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
