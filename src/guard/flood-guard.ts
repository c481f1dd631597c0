import type { FloodGuard } from "../domain/access/flood-guard.ts";

/** The rate limiter of the platform: it counts in each data center, by keys that are addresses. */
export interface RateLimiterBinding {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

/** @param onFailure called when the limiter begins to fail, which lets requests pass */
export function createFloodGuard(
  limiter: RateLimiterBinding,
  onFailure: (error: unknown) => void,
): FloodGuard {
  let isFailing = false;
  return {
    async allows(network) {
      try {
        const { success } = await limiter.limit({ key: network });
        isFailing = false;
        return success;
      } catch (error) {
        if (!isFailing) onFailure(error);
        isFailing = true;
        return true;
      }
    },
  };
}
