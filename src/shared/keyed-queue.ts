import { settlesWithin } from "./settles-within.ts";

/** Runs work after the work of the same key that was queued before it. */
export type KeyedQueue = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** @param maxWaitMs after which work runs without waiting any longer: what it waits for may never settle */
export function createKeyedQueue(maxWaitMs: number): KeyedQueue {
  const last = new Map<string, Promise<void>>();
  return async (key, work) => {
    const before = last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    last.set(key, promise);
    try {
      if (before !== undefined) await settlesWithin(before, maxWaitMs);
      return await work();
    } finally {
      resolve();
      if (last.get(key) === promise) last.delete(key);
    }
  };
}
