import { settlesWithin } from "../shared/settles-within.ts";
import type { Cell } from "./cell.ts";

/** How long a model that was just loaded is kept for callers that may have gone away meanwhile. */
const KEPT_MS = 1000;

interface LoadSteps {
  readonly work: () => Promise<void>;
  /** Called when the load failed, or when all who waited have come for the model. */
  readonly end: () => void;
}

/** A load under way, as those who wait for it see it. */
export class Load {
  readonly sha256: string;
  /** Where the model goes; known once the load has a place. */
  cell: Cell | undefined;
  readonly #steps: LoadSteps;
  readonly #served = Promise.withResolvers<void>();
  #waiting = 0;
  #ready: Promise<void> = Promise.resolve();
  #over: Promise<void> = Promise.resolve();

  constructor(sha256: string, steps: LoadSteps) {
    this.sha256 = sha256;
    this.#steps = steps;
  }

  begin(): void {
    this.#ready = this.#steps.work();
    this.#over = this.#ready
      .then(() => settlesWithin(this.#served.promise, KEPT_MS))
      .catch(() => undefined)
      .then(() => this.#steps.end());
  }

  /** Fulfilled at the end, whatever came of it. */
  get over(): Promise<void> {
    return this.#over;
  }

  /**
   * Waits for the model, which is not evicted before the caller has taken it: a model evicted before
   * anybody could use it would be loaded in vain, again and again.
   * @param take called when the model is ready
   * @param patienceMs how long to wait; without a limit when left out
   * @returns `undefined` when it took longer
   * @throws what the load failed with, or what `take` throws
   */
  async join<T>(take: () => T, patienceMs?: number): Promise<{ taken: T } | undefined> {
    this.#waiting++;
    try {
      if (patienceMs === undefined) await this.#ready;
      else if (!(await settlesWithin(this.#ready, patienceMs))) return undefined;
      return { taken: take() };
    } finally {
      this.#waiting--;
      if (this.#waiting === 0) this.#served.resolve();
    }
  }
}
