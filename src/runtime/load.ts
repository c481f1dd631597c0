import { settlesWithin } from "../shared/settles-within.ts";
import type { Cell } from "./cell.ts";

/** How long a freshly loaded model is kept for callers whose requests may have been cut off meanwhile. */
const HOLD_MS = 1000;

interface LoadSteps {
  readonly work: () => Promise<void>;
  /** Called when the load failed, or when all who waited have used the model. */
  readonly end: () => void;
}

/** A load in progress, shared by all callers that wait for it. */
export class Load {
  readonly sha256: string;
  /** The cell that the model is loaded into, once it is allocated. */
  cell: Cell | undefined;
  readonly #steps: LoadSteps;
  readonly #allServed = Promise.withResolvers<void>();
  #waiting = 0;
  #ready: Promise<void> = Promise.resolve();
  #ended: Promise<void> = Promise.resolve();

  constructor(sha256: string, steps: LoadSteps) {
    this.sha256 = sha256;
    this.#steps = steps;
  }

  start(): void {
    this.#ready = this.#steps.work();
    this.#ended = this.#ready
      .then(() => settlesWithin(this.#allServed.promise, HOLD_MS))
      .catch(() => undefined)
      .then(() => this.#steps.end());
  }

  /** Fulfilled at the end of the load, whether it succeeded or not. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /**
   * Waits for the model, which is not evicted before the caller has used it: otherwise a model could
   * be evicted and loaded again and again without ever being run.
   * @param take called when the model is ready
   * @param timeoutMs how long to wait; without a limit when left out
   * @returns `undefined` when it took longer
   * @throws what the load failed with, or what `take` throws
   */
  async join<T>(take: () => T, timeoutMs?: number): Promise<{ taken: T } | undefined> {
    this.#waiting++;
    try {
      if (timeoutMs === undefined) await this.#ready;
      else if (!(await settlesWithin(this.#ready, timeoutMs))) return undefined;
      return { taken: take() };
    } finally {
      this.#waiting--;
      if (this.#waiting === 0) this.#allServed.resolve();
    }
  }
}
