import { settlesWithin } from "../shared/settles-within.ts";
import type { Cell } from "./cell.ts";

/** How long a freshly loaded model is kept for callers whose requests may have been cut off meanwhile. */
const HOLD_MS = 1000;

interface LoadSteps {
  readonly work: () => Promise<void>;
  /** Called when the load failed, or when all who waited have used the model. */
  readonly end: () => void;
}

/** How a caller waits for a load that another one began. */
interface LoadWait {
  readonly timeoutMs: number;
  /** Called now and then meanwhile. */
  readonly check: () => void;
}

const CHECK_EVERY_MS = 1000;

/** A load in progress, shared by all callers that wait for it. */
export class Load {
  readonly sha256: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The cell that the model is loaded into, once it is allocated. */
  cell: Cell | undefined;
  readonly #steps: LoadSteps;
  readonly #allServed = Promise.withResolvers<void>();
  readonly #abandoned = Promise.withResolvers<void>();
  #isAbandoned = false;
  #isReady = false;
  #hasEnded = false;
  #waiting = 0;
  #ready: Promise<void> = Promise.resolve();
  #ended: Promise<void> = Promise.resolve();

  constructor(sha256: string, startedAt: number, steps: LoadSteps) {
    this.sha256 = sha256;
    this.startedAt = startedAt;
    this.#steps = steps;
  }

  start(): void {
    this.#ready = this.#steps.work();
    this.#ended = this.#ready
      .then(() => {
        this.#isReady = true;
        return settlesWithin(this.#allServed.promise, HOLD_MS);
      })
      .catch(() => undefined)
      .then(() => this.end());
  }

  /** Fulfilled at the end of the load, whether it succeeded or not. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Whether the model was loaded, so that only those who waited are missing. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Ends the load now, for callers that were cut off. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#steps.end();
  }

  /** Ends the waiting of all callers, because the load was cut off. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#abandoned.resolve();
  }

  /**
   * Waits for the model, which is not evicted before the caller has used it: otherwise a model could
   * be evicted and loaded again and again without ever being run.
   * @param take called when the model is ready
   * @param wait without a limit when left out
   * @returns `undefined` when it took longer, or was abandoned
   * @throws what the load failed with, or what `take` throws
   */
  async join<T>(take: () => T, wait?: LoadWait): Promise<{ taken: T } | undefined> {
    this.#waiting++;
    try {
      if (!(await this.#endsWithin(wait)) || this.#isAbandoned) return undefined;
      return { taken: take() };
    } finally {
      this.#waiting--;
      if (this.#waiting === 0) this.#allServed.resolve();
    }
  }

  async #endsWithin(wait: LoadWait | undefined): Promise<boolean> {
    const outcome = Promise.race([this.#ready, this.#abandoned.promise]);
    if (!wait) {
      await outcome;
      return true;
    }
    const { timeoutMs, check } = wait;
    for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += CHECK_EVERY_MS) {
      const sliceMs = Math.min(CHECK_EVERY_MS, timeoutMs - waitedMs);
      if (await settlesWithin(outcome, sliceMs)) return true;
      check();
    }
    return false;
  }
}
