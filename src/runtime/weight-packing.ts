import { ApiError } from "../domain/errors.ts";
import type { Pin, Resident } from "./cell.ts";
import { OrtError } from "./ort-instance.ts";

/** A model that ran once may not be asked again. */
const RUNS_BEFORE = 2;
/** After its memory was needed by others, or was not there. */
const RUNS_BEFORE_NEXT = 1000;

/** What of the budget packed weights are given. */
export interface PackingBudget {
  /** @throws ApiError when the memory is needed by others */
  pinIfFree(pin: Pin): void;
  unpin(pin: Pin): void;
}

/**
 * When the weights of a model are packed: after its first runs, where memory is free. They are a cache,
 * reserved by a revocable pin, which ends as soon as others need the memory.
 */
export class WeightPacking {
  #runsLeft = RUNS_BEFORE;

  /** To be called after each run of the model, outside of the engine. */
  afterRun(resident: Resident, budget: PackingBudget): void {
    if (--this.#runsLeft > 0) return;
    this.#runsLeft = RUNS_BEFORE_NEXT;
    const { cell, session, source } = resident;
    const { weights } = session;
    const reservedBytes = weights?.unpackedBytes ?? 0;
    if (!weights || reservedBytes === 0) return;
    const enter = (work: () => void) => cell.call(source.sha256, work);
    const pin: Pin = {
      resident,
      reservedBytes,
      expiresAt: Number.POSITIVE_INFINITY,
      isRevocable: true,
      end: () => {
        if (!cell.dropped) enter(() => weights.unpack());
        budget.unpin(pin);
      },
    };
    try {
      budget.pinIfFree(pin);
      enter(() => weights.pack());
    } catch (error) {
      if (error instanceof OrtError) budget.unpin(pin);
      else if (!(error instanceof ApiError)) throw error;
    } finally {
      cell.forgetRefusals();
    }
  }
}
