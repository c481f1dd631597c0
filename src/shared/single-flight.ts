import { settlesBefore, type WaitDeadline } from "./settles-within.ts";

/** Work that began for one caller and whose result other callers of the same key share while it runs. */
export class SingleFlight<T> {
  readonly #running = new Map<string, Promise<T>>();
  /** Work that other callers have joined. */
  readonly #joined = new WeakSet<Promise<T>>();
  readonly #maxWaitMs: number;

  /** @param maxWaitMs how long a caller waits for work that another caller began */
  constructor(maxWaitMs: number) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** Begins the work, to be joined until it settles. */
  start(key: string, work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#running.set(key, running);
    const end = (): void => this.#end(key, running);
    running.then(end, end);
    return running;
  }

  /**
   * Waits for the work that runs for the key.
   * @param deadline of the caller, whose error the promise rejects with
   * @returns `undefined` when none runs; a promise of the result, or of `undefined` when the work failed, or took longer
   *   than a caller waits: no other call joins it then, because the platform may have ended it with its request
   */
  join(
    key: string,
    deadline?: WaitDeadline,
  ): Promise<{ readonly result: T } | undefined> | undefined {
    const running = this.#running.get(key);
    if (!running) return undefined;
    this.#joined.add(running);
    return this.#wait(key, running, deadline);
  }

  /** Whether a caller has joined the work that runs for the key. */
  isJoined(key: string): boolean {
    const running = this.#running.get(key);
    return running !== undefined && this.#joined.has(running);
  }

  async #wait(
    key: string,
    running: Promise<T>,
    deadline: WaitDeadline | undefined,
  ): Promise<{ readonly result: T } | undefined> {
    const outcome = running.then(
      (result) => ({ result }),
      () => undefined,
    );
    if (await settlesBefore(outcome, this.#maxWaitMs, deadline)) return outcome;
    this.#end(key, running);
    return undefined;
  }

  #end(key: string, running: Promise<T>): void {
    if (this.#running.get(key) === running) this.#running.delete(key);
  }
}
