import { createEntryStore } from "../cache/entry-store.ts";
import type { Config } from "../config.ts";
import type { BucketEncryption } from "../domain/bucket-encryption.ts";
import type { Purge } from "../domain/cache.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import type { OnnxflareEnv } from "../env.ts";
import { createDatacenterCacheTier } from "../storage/datacenter-cache-tier.ts";
import { createEncryptedObjectStore } from "../storage/encrypted-object-store.ts";
import { createBucketEncryption } from "../storage/encryption/encrypt-bucket.ts";
import { KeyRing } from "../storage/encryption/key-ring.ts";
import { createKvCacheTier, createKvPurgeLog } from "../storage/kv-cache-tier.ts";
import { createKvEntryInventory } from "../storage/kv-entry-inventory.ts";
import { createR2ObjectStore } from "../storage/r2-object-store.ts";
import { createTimedNamespace } from "../storage/timed-namespace.ts";

/** The bucket, encrypted when there is a key. */
export function createObjects(
  bucket: R2Bucket,
  { encryption, storageTimeoutMs: timeoutMs }: Config,
): {
  /** As it is stored. */
  stored: ObjectStore;
  objects: ObjectStore;
  encryption: BucketEncryption | undefined;
} {
  const stored = createR2ObjectStore(bucket, { timeoutMs });
  if (!encryption) return { stored, objects: stored, encryption: undefined };
  const keys = new KeyRing(encryption.key, encryption.oldKeys);
  const objects = createEncryptedObjectStore(stored, keys);
  return { stored, objects, encryption: createBucketEncryption(stored, objects, keys) };
}

/**
 * The entry store with the tiers that are enabled and whose bindings exist.
 * @param onErasures called with erasures that other isolates have made
 */
export function createCache(
  env: OnnxflareEnv,
  { cache, storageTimeoutMs }: Config,
  onErasures: (erasures: readonly Purge[]) => Promise<void>,
) {
  const { tiers, isolateBytes, maxEntryBytes, readTimeoutMs } = cache;
  const kv = env.CACHE && createTimedNamespace(env.CACHE, storageTimeoutMs);
  // Independent of the tiers: other isolates read the purges there.
  const purgeLog = kv && createKvPurgeLog(kv);
  const localBytes = tiers.includes("isolate") ? isolateBytes : 0;
  const entries = createEntryStore(
    [
      ...(tiers.includes("datacenter") ? [createDatacenterCacheTier(caches.default)] : []),
      ...(tiers.includes("kv") && kv ? [createKvCacheTier(kv)] : []),
    ],
    purgeLog,
    { localBytes, maxEntryBytes, readTimeoutMs, writeTimeoutMs: storageTimeoutMs, onErasures },
  );
  // Also of a tier that was switched off: its entries are still there.
  return { cache: entries, purgeLog, inventory: kv && createKvEntryInventory(kv) };
}
