import { settlesWithin } from "./settles-within.ts";

/** Adds an item to the next batch of its key, and returns its result. */
export type Batches<I, R> = (key: string, item: I) => Promise<R>;

interface Entry<I, R> extends PromiseWithResolvers<R> {
  readonly item: I;
}

/**
 * Collects what arrives for a key while a batch of it runs: the next batch. Each is run by the caller of its first item.
 * @param run returns the results in the order of the items; it may get an item again whose caller waited too long
 * @param maxWaitMs how long a caller waits for others: the platform may have ended them
 */
export function createBatches<I, R>(
  run: (key: string, items: readonly I[]) => Promise<readonly PromiseSettledResult<R>[]>,
  maxWaitMs: number,
): Batches<I, R> {
  const forming = new Map<string, Entry<I, R>[]>();
  const running = new Map<string, Promise<void>>();

  async function settle(key: string, batch: readonly Entry<I, R>[]): Promise<void> {
    try {
      const results = await run(
        key,
        batch.map(({ item }) => item),
      );
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[index];
        if (result?.status === "fulfilled") resolve(result.value);
        else reject(result?.reason);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Runs a batch after the one before it. */
  async function lead(key: string, batch: Entry<I, R>[]): Promise<void> {
    forming.set(key, batch);
    const before = running.get(key);
    if (before !== undefined) await settlesWithin(before, maxWaitMs);
    if (forming.get(key) === batch) forming.delete(key);
    const own = settle(key, batch);
    running.set(key, own);
    await own;
    if (running.get(key) === own) running.delete(key);
  }

  return async (key, item) => {
    const entry: Entry<I, R> = { item, ...Promise.withResolvers<R>() };
    // Somebody may wait for it no longer.
    entry.promise.catch(() => undefined);
    const joined = forming.get(key);
    if (!joined) {
      await lead(key, [entry]);
      return entry.promise;
    }
    joined.push(entry);
    const settled = entry.promise.catch(() => undefined);
    // It waits for the batch that runs, and for its own.
    if (!(await settlesWithin(settled, 2 * maxWaitMs))) {
      if (forming.get(key) === joined) forming.delete(key);
      await settle(key, [entry]);
    }
    return entry.promise;
  };
}
