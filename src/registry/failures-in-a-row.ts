import { ApiError } from "../domain/errors.ts";

const MAX_IN_A_ROW = 3;

/**
 * Failures of storage that follow one another in work of many steps, each of which is done whether others fail. When storage does not answer, each takes
 * seconds: after some of them the rest is left, so that the request ends.
 */
export class FailuresInARow {
  #count = 0;

  /** To be called with the outcome of each step: what it has failed with, or nothing. */
  note(error?: unknown): void {
    const isStorage = error instanceof ApiError && error.code === "storage_failed";
    this.#count = isStorage ? this.#count + 1 : 0;
  }

  get isTooMany(): boolean {
    return this.#count >= MAX_IN_A_ROW;
  }
}
