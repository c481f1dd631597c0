import { ApiError } from "../../domain/errors.ts";

/** Counts the rows that a request runs its model for. */
export class RunBudget {
  readonly #limit: number;
  #allowed: number;
  #used = 0;
  #changed = Promise.withResolvers<void>();

  /** @param limit of the deployment or of the request, whichever is less */
  constructor(limit: number) {
    this.#limit = limit;
    this.#allowed = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** What may be run, by what was announced. */
  get allowed(): number {
    return this.#allowed;
  }

  /** Resolves with the next rows. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /**
   * From now on no more than that may be run, all that was run until now included.
   * @throws ApiError `invalid_request` for more than the limit
   */
  announce(runs: number): void {
    this.#allowed = Math.max(runs, this.#used);
    if (runs > this.#limit) throw tooManyRuns(runs, this.#limit);
  }

  /** @throws ApiError `invalid_request` for more rows than were announced */
  take(rows: number): void {
    if (this.#used + rows > this.#allowed) throw tooManyRuns(this.#used + rows, this.#allowed);
    this.#used += rows;
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}

/** @param limit of the deployment, or of the request */
export function tooManyRuns(runs: number, limit: number): ApiError {
  return new ApiError(
    "invalid_request",
    `The explanation needs ${runs} runs of the model (rows), and may take ${limit}: raise "max_runs" within MAX_EXPLANATION_RUNS, send fewer inputs or background rows, or choose a method that samples.`,
    { details: { field: "max_runs", runs, limit } },
  );
}
