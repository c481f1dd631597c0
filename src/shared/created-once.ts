import { beforeDeadline, settlesBefore, type WaitDeadline } from "./settles-within.ts";

/** How one caller waits for a creation. */
export interface CreationWait {
  /** Keeps a creation that this caller begins alive when its own request ends. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
  readonly deadline?: WaitDeadline;
}

interface Creation<V> {
  readonly promise: Promise<V>;
  isDone: boolean;
}

/** Values that are created once for each key, and kept as long as the key. A failure is not kept. */
export class CreatedOnce<K extends WeakKey, V> {
  readonly #creations = new WeakMap<K, Creation<V>>();
  readonly #maxWaitMs: number;

  /** @param maxWaitMs how long a caller waits for a creation that another caller began, before it begins its own */
  constructor(maxWaitMs: number) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** The value of a key, created by the first caller for all that ask meanwhile. */
  get(key: K, create: () => Promise<V>, wait: CreationWait = {}): Promise<V> {
    const known = this.#creations.get(key);
    if (!known) return this.#start(key, create, wait);
    return known.isDone ? known.promise : this.#join(key, known, create, wait);
  }

  #start(key: K, create: () => Promise<V>, { waitUntil, deadline }: CreationWait): Promise<V> {
    const creation: Creation<V> = { promise: create(), isDone: false };
    this.#creations.set(key, creation);
    const ended = creation.promise.then(
      () => {
        creation.isDone = true;
      },
      // The next caller tries again.
      () => this.#forget(key, creation),
    );
    waitUntil?.(ended);
    return beforeDeadline(creation.promise, deadline);
  }

  async #join(
    key: K,
    creation: Creation<V>,
    create: () => Promise<V>,
    wait: CreationWait,
  ): Promise<V> {
    if (await settlesBefore(creation.promise, this.#maxWaitMs, wait.deadline))
      return creation.promise;
    // The platform has ended it with its request; the first caller to notice begins another for all.
    this.#forget(key, creation);
    return this.get(key, create, wait);
  }

  #forget(key: K, creation: Creation<V>): void {
    if (this.#creations.get(key) === creation) this.#creations.delete(key);
  }
}
