/** A serialized response, stored to be sent again for an identical request. */
export interface CachedResponse {
  /** Never changed. */
  readonly body: Uint8Array<ArrayBuffer>;
  /**
   * Those that describe the response stay; those that describe the request are set for each request, whose
   * `Response` copies them.
   */
  readonly headers: Headers;
  /** The age in `age` and `cache-status`, which are set when it changes. */
  ageSeconds: number | undefined;
}

/** What the response cache has for a request. */
export interface ResponseLookup {
  /** The stored response, when it may be used. */
  readonly response: CachedResponse | undefined;
  /**
   * Stores the response to the request beside the cache entry that it was made of; without effect unless that is one entry
   * of the local tier, which a second request has used.
   * @param create called when the response is stored
   */
  store(sizeBytes: number, create: () => CachedResponse): void;
}
