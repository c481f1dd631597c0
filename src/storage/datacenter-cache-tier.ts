import type { CacheAddress, CacheTier } from "../domain/cache.ts";

/** A host that cannot exist, so that entries are reachable only through this tier. */
const ORIGIN = "https://predictions.onnxflare.invalid";

/** The Cache API: shared by the isolates of one data center, which evicts entries when it needs the space. */
export function createDatacenterCacheTier(cache: Cache): CacheTier {
  const toUrl = ({ key }: CacheAddress): string => `${ORIGIN}/${key}`;
  return {
    name: "datacenter",
    async get(address) {
      const response = await cache.match(toUrl(address));
      return response && (await response.bytes());
    },
    put: (address, value, ttlSeconds) =>
      cache.put(
        toUrl(address),
        new Response(value as Uint8Array<ArrayBuffer>, {
          headers: {
            "cache-control": `public, max-age=${ttlSeconds}`,
            "content-type": "application/octet-stream",
          },
        }),
      ),
    async delete(address) {
      await cache.delete(toUrl(address));
    },
  };
}
