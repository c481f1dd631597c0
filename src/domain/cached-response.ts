import type { GatheredStatistics } from "./statistics/request-statistics.ts";

/** A serialized response, stored to be sent for identical requests. */
export interface CachedResponse {
  /** Must not be modified. */
  readonly body: Uint8Array<ArrayBuffer>;
  /**
   * The headers that describe the response are constant; those that describe the request are set for each request, before
   * its `Response` copies them.
   */
  readonly headers: Headers;
  /** Of the request whose response it is: those of identical ones are the same. */
  readonly statistics?: GatheredStatistics | undefined;
  /** The age in `age` and `cache-status`, which are set when it changes. */
  ageSeconds: number | undefined;
  /** Whether the headers are those for https, where that is known; they are set when it changes. */
  isSecure?: boolean;
}

/** What the response cache has for a request. */
export interface ResponseLookup {
  /** The stored response, if it may be used. */
  readonly response: CachedResponse | undefined;
  /**
   * Stores the response with the cache entry that it was created from. Has no effect unless that is one entry of the local
   * tier, which a second request has used.
   * @param create called when the response is stored
   */
  store(sizeBytes: number, create: () => CachedResponse): void;
}
