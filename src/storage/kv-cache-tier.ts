import type {
  CacheAddress,
  CacheTier,
  Purge,
  PurgeLog,
  PurgeResult,
  PurgeScope,
} from "../domain/cache.ts";
import { isErasure, isInScope } from "../domain/cache.ts";
import { ApiError } from "../domain/errors.ts";
import {
  DELETIONS_AT_ONCE,
  type EntryMetadata,
  fromListed,
  predictionKeyOf,
  predictionPrefix,
  toMetadata,
} from "./kv-prediction-keys.ts";

/** KV refuses a shorter `expirationTtl`. */
const MIN_TTL_SECONDS = 60;
/** How long KV may serve a value from its own cache at the edge. */
const EDGE_TTL_SECONDS = 60;
const PURGES = "purge/";
/** Longer than the longest ttl, so that a purge outlives the entries in its scope. */
const PURGE_TTL_SECONDS = 366 * 86_400;

/** The KV namespace as the last tier: shared by all data centers, eventually consistent. */
export function createKvCacheTier(namespace: KVNamespace): CacheTier {
  return {
    name: "kv",
    async get(address) {
      const value = await namespace.get(predictionKeyOf(address), {
        type: "arrayBuffer",
        cacheTtl: EDGE_TTL_SECONDS,
      });
      return value ? new Uint8Array(value) : undefined;
    },
    put: (address, value, ttlSeconds) =>
      namespace.put(predictionKeyOf(address), value as Uint8Array<ArrayBuffer>, {
        expirationTtl: Math.max(MIN_TTL_SECONDS, ttlSeconds),
        // A listing has it, so that what belongs to a request is found without reading every value.
        ...toMetadata(address),
      }),
    delete: (address) => namespace.delete(predictionKeyOf(address)),
  };
}

/** Stores purges in the same namespace, where every isolate reads them. */
export function createKvPurgeLog(namespace: KVNamespace): PurgeLog {
  async function record(scope: PurgeScope, at: number): Promise<void> {
    try {
      await namespace.put(`${PURGES}${toSegment(scope)}`, "", {
        metadata: { ...scope, at },
        expirationTtl: PURGE_TTL_SECONDS,
      });
    } catch (cause) {
      throw new ApiError(
        "storage_failed",
        "The purge could not be stored for other isolates; this one applies it. Try again.",
        { cause },
      );
    }
  }

  return {
    record,
    async purge(scope, at) {
      await record(scope, at);
      return removePredictions(namespace, scope);
    },
    async list() {
      const keys = await listKeys<Purge>(namespace, PURGES);
      return keys.flatMap(({ metadata }) => (metadata ? [metadata] : []));
    },
  };
}

/** Stops at the first failure, such as the limit of subrequests, and reports it in `complete` instead of throwing. */
async function removePredictions(namespace: KVNamespace, scope: PurgeScope): Promise<PurgeResult> {
  const removed: CacheAddress[] = [];
  try {
    const addresses = (await listKeys<EntryMetadata>(namespace, predictionPrefix(scope)))
      .flatMap((key) => fromListed(key) ?? [])
      .filter((address) => isInScope(address, scope));
    for (let start = 0; start < addresses.length; start += DELETIONS_AT_ONCE) {
      const some = addresses.slice(start, start + DELETIONS_AT_ONCE);
      const deletions = await Promise.allSettled(
        some.map((address) => namespace.delete(predictionKeyOf(address))),
      );
      const done = some.filter((_, index) => deletions[index]?.status === "fulfilled");
      removed.push(...done);
      if (done.length < some.length) return { removed, complete: false };
    }
    return { removed, complete: true };
  } catch {
    return { removed, complete: false };
  }
}

async function listKeys<M>(
  namespace: KVNamespace,
  prefix: string,
): Promise<readonly KVNamespaceListKey<M>[]> {
  const found: KVNamespaceListKey<M>[] = [];
  let cursor: string | undefined;
  do {
    const page: KVNamespaceListResult<M> = await namespace.list<M>(
      cursor ? { prefix, cursor } : { prefix },
    );
    found.push(...page.keys);
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor);
  return found;
}

/** One key for each scope: a later purge of the same scope replaces the earlier. */
function toSegment(scope: PurgeScope): string {
  const { model = "", version = "", client = "" } = scope;
  const segment = `${model}/${version}/${client}`;
  if (!isErasure(scope)) return segment;
  const { principal = "", subject = "", request = "" } = scope;
  return `${segment}/${principal}/${subject}/${request}`;
}
