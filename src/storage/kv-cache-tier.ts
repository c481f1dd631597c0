import type {
  CacheAddress,
  CacheTier,
  Purge,
  PurgeLog,
  PurgeResult,
  PurgeScope,
} from "../domain/cache.ts";
import { isInScope } from "../domain/cache.ts";
import { ApiError } from "../domain/errors.ts";

/** KV refuses a shorter `expirationTtl`. */
const MIN_TTL_SECONDS = 60;
/** How long KV may serve a value from its own cache at the edge. */
const EDGE_TTL_SECONDS = 60;
const PREDICTIONS = "prediction/";
const PURGES = "purge/";
/** Longer than the longest ttl, so that a purge outlives the entries in its scope. */
const PURGE_TTL_SECONDS = 366 * 86_400;
/** Concurrent deletions; a request has six connections at most. */
const DELETIONS_AT_ONCE = 6;
/** The client's segment in the key of an entry that is shared by all clients. */
const SHARED = "-";

/** The keys of the namespace, as `docs/storage.md` documents them. */
function predictionKeyOf({ key, model, client }: CacheAddress): string {
  return `${PREDICTIONS}${model.name}/${model.version}/${client ?? SHARED}/${key}`;
}

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
      }),
    delete: (address) => namespace.delete(predictionKeyOf(address)),
  };
}

/** Stores purges in the same namespace, where every isolate reads them. */
export function createKvPurgeLog(namespace: KVNamespace): PurgeLog {
  return {
    async purge(scope, at) {
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
    const addresses = (await listKeys(namespace, predictionPrefix(scope)))
      .map(({ name }) => fromPredictionKey(name))
      .filter((address) => address !== undefined)
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

function predictionPrefix({ model, version }: PurgeScope): string {
  if (model === undefined) return PREDICTIONS;
  return version === undefined ? `${PREDICTIONS}${model}/` : `${PREDICTIONS}${model}/${version}/`;
}

function fromPredictionKey(name: string): CacheAddress | undefined {
  const [, model, version, client, key] = name.split("/");
  if (!model || !version || !client || !key) return undefined;
  return {
    key,
    model: { name: model, version },
    client: client === SHARED ? undefined : client,
  };
}

/** One key for each scope: a later purge of the same scope replaces the earlier. */
function toSegment({ model = "", version = "", client = "" }: PurgeScope): string {
  return `${model}/${version}/${client}`;
}
