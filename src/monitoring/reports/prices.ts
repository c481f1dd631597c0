/**
 * List prices of Cloudflare in US dollars, of the Workers Paid plan, without what it includes:
 * https://developers.cloudflare.com/workers/platform/pricing/ and https://developers.cloudflare.com/kv/platform/pricing/.
 */
export const PRICES = {
  /** Of a request of the Worker. */
  request: 0.3 / 1e6,
  /** Of a millisecond of CPU time. */
  cpuMs: 0.02 / 1e6,
  /** Of a key that is read from KV, and one that is written. */
  kvRead: 0.5 / 1e6,
  kvWrite: 5 / 1e6,
} as const;
