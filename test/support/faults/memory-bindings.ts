import { createHash } from "node:crypto";
import { KeyAuthority } from "../../../src/durable-objects/key-authority.ts";
import { MetricsCollector } from "../../../src/durable-objects/metrics-collector.ts";
import { createTestStorage } from "../sql.ts";

/**
 * Bindings of a Worker in memory, as far as the service uses them. Those of R2 and KV pass, with their adapters, the contract suites that
 * workerd's pass.
 */
export interface MemoryBindings {
  readonly MODELS: R2Bucket;
  readonly CACHE: KVNamespace;
  /** `caches.default`. */
  readonly cache: Cache;
  /** The one object of `KEYS`, over SQLite in memory. */
  readonly authority: object;
  /** The object of `METRICS` of a shard, over SQLite in memory. */
  readonly collector: (shard: string) => object;
}

/** So that a listing takes several calls. */
const PAGE_KEYS = 3;

export function createMemoryBindings(): MemoryBindings {
  return {
    MODELS: createMemoryBucket(),
    CACHE: createMemoryNamespace(),
    cache: createMemoryCache(),
    authority: createMemoryAuthority(),
    collector: createMemoryCollectors(),
  };
}

/** The class that a deployment has, with as much of its context as it uses. */
function createMemoryAuthority(): object {
  const { sql, transaction } = createTestStorage();
  const context = { storage: { sql, transactionSync: transaction } };
  return new KeyAuthority(context as unknown as DurableObjectState, {});
}

/** Their alarms are timers, by the clock of the test. */
function createMemoryCollectors(): (shard: string) => object {
  const shards = new Map<string, object>();
  return (shard) => {
    const known = shards.get(shard);
    if (known) return known;
    const { sql, transaction } = createTestStorage();
    const context = {
      waitUntil: (work: Promise<unknown>) => void work,
      storage: {
        sql,
        transactionSync: transaction,
        setAlarm: async (at: number) => void setTimeout(() => collector.alarm(), at - Date.now()),
      },
    };
    const collector = new MetricsCollector(context as unknown as DurableObjectState, {});
    shards.set(shard, collector);
    return collector;
  };
}

interface Stored {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly uploaded: Date;
}

function createMemoryBucket(): R2Bucket {
  const objects = new Map<string, Stored>();
  let writes = 0;

  const describe = (key: string, { bytes, etag, uploaded }: Stored) => ({
    key,
    etag,
    uploaded,
    size: bytes.byteLength,
    checksums: { md5: new Uint8Array(createHash("md5").update(bytes).digest()).buffer },
  });

  const bucket = {
    async head(key: string) {
      const stored = objects.get(key);
      return stored ? describe(key, stored) : null;
    },
    async get(key: string, { range }: { range?: { offset: number } } = {}) {
      const stored = objects.get(key);
      if (!stored) return null;
      const body = new Blob([stored.bytes.subarray(range?.offset ?? 0)]).stream();
      return { ...describe(key, stored), body };
    },
    async put(
      key: string,
      value: Uint8Array | ReadableStream,
      { onlyIf }: { onlyIf?: { etagMatches?: string; etagDoesNotMatch?: string } } = {},
    ) {
      const bytes = new Uint8Array(await new Response(value as BodyInit).arrayBuffer());
      const stored = objects.get(key);
      if (onlyIf?.etagMatches !== undefined && stored?.etag !== onlyIf.etagMatches) return null;
      if (onlyIf?.etagDoesNotMatch !== undefined && stored) return null;
      writes += 1;
      const written = { bytes, etag: `${writes}`, uploaded: new Date() };
      objects.set(key, written);
      return describe(key, written);
    },
    async delete(keys: string | readonly string[]) {
      for (const key of [keys].flat()) objects.delete(key);
    },
    async list({
      prefix = "",
      startAfter = "",
      cursor = startAfter,
    }: {
      prefix?: string;
      startAfter?: string;
      cursor?: string;
    } = {}) {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > cursor);
      const page = keys.sort().slice(0, PAGE_KEYS);
      return {
        objects: page.map((key) => describe(key, objects.get(key) as Stored)),
        truncated: page.length < keys.length,
        cursor: page.at(-1),
      };
    },
  };
  return bucket as unknown as R2Bucket;
}

function createMemoryNamespace(): KVNamespace {
  const values = new Map<string, { value: Uint8Array<ArrayBuffer>; metadata: unknown }>();
  const namespace = {
    async get(key: string) {
      return values.get(key)?.value.slice().buffer ?? null;
    },
    async put(key: string, value: string | Uint8Array, options: { metadata?: unknown } = {}) {
      const bytes = new Uint8Array(Buffer.from(value as Uint8Array));
      values.set(key, { value: bytes, metadata: structuredClone(options.metadata) });
    },
    async delete(key: string) {
      values.delete(key);
    },
    async list({ prefix = "", cursor = "" }: { prefix?: string; cursor?: string } = {}) {
      const names = [...values.keys()].filter((key) => key.startsWith(prefix) && key > cursor);
      const page = names.sort().slice(0, PAGE_KEYS);
      return {
        keys: page.map((name) => ({
          name,
          metadata: structuredClone(values.get(name)?.metadata),
        })),
        list_complete: page.length === names.length,
        cursor: page.at(-1),
      };
    },
  };
  return namespace as unknown as KVNamespace;
}

function createMemoryCache(): Cache {
  const responses = new Map<string, Uint8Array<ArrayBuffer>>();
  const cache = {
    async match(url: string) {
      const bytes = responses.get(url);
      return bytes && new Response(bytes);
    },
    async put(url: string, response: Response) {
      responses.set(url, new Uint8Array(await response.arrayBuffer()));
    },
    async delete(url: string) {
      return responses.delete(url);
    },
  };
  return cache as unknown as Cache;
}
