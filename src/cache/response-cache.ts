import type { CacheEntry } from "../domain/cache.ts";
import type { CachePolicy } from "../domain/cache-control.ts";
import type { CachedResponse, ResponseLookup } from "../domain/cached-response.ts";
import type { Call } from "../domain/call.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { Trace } from "../domain/trace.ts";
import type { EntryStore } from "./entry-store.ts";
import type { LocalEntry } from "./local-tier.ts";
import { toLookup } from "./lookup.ts";

/**
 * Serialized responses of small requests, in front of the entry store: an identical request gets the bytes of the response
 * without being parsed, hashed and serialized. A response is stored beside the entry that it was made of, and goes with it;
 * whether the entry may be used is decided as for every other hit.
 */
export interface ResponseCache {
  /** Whether a request with a body of this size is looked up, for which its body must be read. */
  accepts(policy: CachePolicy, sizeBytes: number | undefined): boolean;
  /** Whether responses of the model are stored. */
  stores(model: PublishedModel): boolean;
  /**
   * Looks a request up; on a miss, the result stores its response.
   * @param form the operation, and everything in the request besides its body that affects the response, as a fixed number
   *   of parts with line breaks only between them
   * @returns a promise only if it has to wait; `undefined` for a request that is not accepted, or to a model whose responses
   *   are not stored
   */
  lookup(
    model: PublishedModel,
    form: string,
    body: Uint8Array,
    call: Pick<Call, "cache" | "trace" | "waitUntil">,
  ): Promise<ResponseLookup> | ResponseLookup | undefined;
}

/** Of larger bodies, reading and hashing costs less than storing them. */
const MAX_REQUEST_BYTES = 4096;
const MAX_RESPONSE_BYTES = 16_384;
/** Maps every byte to a character of its own. */
const DECODER = new TextDecoder("latin1");

export function createResponseCache(
  entries: Pick<EntryStore, "accept" | "getByRequest" | "putResponse" | "refreshPurges">,
  { enabled }: { readonly enabled: boolean },
): ResponseCache {
  function accepts({ noStore, noCache }: CachePolicy, sizeBytes = 0): boolean {
    return enabled && !noStore && !noCache && sizeBytes > 0 && sizeBytes <= MAX_REQUEST_BYTES;
  }

  /**
   * Entries of a single client are not stored: the same request of another client must not match them. Neither are those of a model
   * whose requests are captured: each of them must be seen.
   */
  function stores({ manifest: { cache, capture } }: PublishedModel): boolean {
    return cache.enabled && cache.scope === "public" && !capture;
  }

  function use(
    local: LocalEntry,
    model: PublishedModel,
    policy: CachePolicy,
    { cache: report }: Trace,
  ): CachedResponse | undefined {
    const { key } = local.entry;
    const lookup = toLookup(model, policy, { key, useRemoteTiers: false });
    // The reason against it is reported by the lookup of the entry, which follows.
    if (!entries.accept(local, lookup, report)) return undefined;
    report.key = key;
    report.isStoredResponse = true;
    return local.stored?.response;
  }

  return {
    accepts,
    stores,

    lookup(model, form, body, { cache: policy, trace, waitUntil }) {
      if (!accepts(policy, body.byteLength) || !stores(model)) return undefined;
      const { name, version, revision } = model;
      const request = `${name}\n${version}\n${revision}\n${form}\n${DECODER.decode(body)}`;
      const store: ResponseLookup["store"] = (sizeBytes, create) => {
        const entry = usedLocalEntry(trace);
        if (entry && sizeBytes <= MAX_RESPONSE_BYTES) entries.putResponse(entry, request, create());
      };
      const local = entries.getByRequest(request);
      if (!local) return { response: undefined, store };
      const end = trace.start("cache");
      const finish = (found: LocalEntry | undefined): ResponseLookup => {
        const response = found && use(found, model, policy, trace);
        end();
        return { response, store };
      };
      const refreshed = entries.refreshPurges(trace.cache, waitUntil);
      if (refreshed === undefined) return finish(local);
      return refreshed.then(() => finish(entries.getByRequest(request)));
    },
  };
}

/** The entry of the local tier that was the call's hit, where there is a single one, and of a run: an event tells what is in an answer. */
function usedLocalEntry({ cache }: Trace): CacheEntry | undefined {
  const { outcome, tier, key, entry } = cache;
  const isLocal = outcome === "hit" && tier === "isolate" && key !== undefined;
  return isLocal && !entry?.answer ? entry : undefined;
}
