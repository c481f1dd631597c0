import type { CacheAddress, EntryOrigin, PurgeScope } from "../domain/cache.ts";

/** The keys of cache entries in KV, as `docs/storage.md` documents them. */

const PREDICTIONS = "prediction/";
/** The client's segment in the key of an entry that is shared by all clients. */
const SHARED = "-";
/** Concurrent deletions; a request has six connections at most. */
export const DELETIONS_AT_ONCE = 6;

/** What a listing has of an entry, so that what belongs to a request is found without reading every value. */
export interface EntryMetadata extends EntryOrigin {
  readonly createdAt?: number | undefined;
}

export function predictionKeyOf({ key, model, client }: CacheAddress): string {
  return `${PREDICTIONS}${model.name}/${model.version}/${client ?? SHARED}/${key}`;
}

export function predictionPrefix({ model, version }: PurgeScope): string {
  if (model === undefined) return PREDICTIONS;
  return version === undefined ? `${PREDICTIONS}${model}/` : `${PREDICTIONS}${model}/${version}/`;
}

/** `undefined` for another key. */
export function fromListed({
  name,
  metadata,
}: KVNamespaceListKey<EntryMetadata>): CacheAddress | undefined {
  const [, model, version, client, key] = name.split("/");
  if (!model || !version || !client || !key) return undefined;
  const { createdAt, ...origin } = metadata ?? {};
  return {
    key,
    model: { name: model, version },
    client: client === SHARED ? undefined : client,
    ...(metadata && { origin: origin as EntryOrigin, createdAt }),
  };
}

export function toMetadata({ origin, createdAt }: CacheAddress): {
  readonly metadata?: EntryMetadata;
} {
  return origin ? { metadata: { ...origin, createdAt } } : {};
}
