import type { TokenMeter } from "./limiter.ts";

/** @param reserve more tokens of the call */
export function createTokenMeter(reserve: (more: number) => Promise<void>): TokenMeter {
  /** Of all forks together. */
  let reserved = 0;
  let needed = 0;

  async function ensure(total: number): Promise<void> {
    const more = Math.ceil(total) - reserved;
    if (more <= 0) return;
    reserved += more;
    try {
      await reserve(more);
    } catch (error) {
      reserved -= more;
      throw error;
    }
  }

  function fork(): TokenMeter {
    let own = 0;
    return {
      async reserve(total) {
        const before = own;
        own = Math.max(own, total);
        needed += own - before;
        await ensure(needed);
      },
      prepare: ensure,
      fork,
    };
  }

  return fork();
}
