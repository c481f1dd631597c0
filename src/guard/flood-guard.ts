import type { FloodGuard } from "../domain/access/flood-guard.ts";
import { NoAnswer, within } from "../shared/within.ts";

/** The rate limiter of the platform: it counts in each data center, by keys that are addresses. */
export interface RateLimiterBinding {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

/** Its counts are in the same machine; a request does not wait longer for it. */
const TIMEOUT_MS = 250;
/** When it has not answered, no request waits for it for so long. */
const PAUSE_MS = 1000;

/** @param onFailure called when the limiter begins to fail, which lets requests pass */
export function createFloodGuard(
  limiter: RateLimiterBinding,
  onFailure: (error: unknown) => void,
  now: () => number = Date.now,
): FloodGuard {
  let isFailing = false;
  let pausesUntil = Number.NEGATIVE_INFINITY;
  return {
    async allows(network) {
      if (now() < pausesUntil) return true;
      try {
        const { success } = await within(limiter.limit({ key: network }), TIMEOUT_MS);
        isFailing = false;
        return success;
      } catch (error) {
        if (!isFailing) onFailure(error);
        isFailing = true;
        if (error instanceof NoAnswer) pausesUntil = now() + PAUSE_MS;
        return true;
      }
    },
  };
}
