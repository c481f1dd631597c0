import type { Cell } from "./cell.ts";

/** A call into an engine. */
export interface EngineCall {
  readonly cell: Cell;
  /** Of the model that it is for. */
  readonly sha256: string;
  /** The call in the middle of which it began: when memory grows, models and tensors of other cells are released. */
  readonly outer: EngineCall | undefined;
}

/**
 * The calls into engines that have begun and not returned. When a request exceeds its CPU time, the platform terminates
 * its JavaScript, also in the middle of wasm: no `catch` or `finally` runs, and the isolate may go on with other requests.
 * The engine's memory is in the middle of that call then, and its stack pointer is where it was. Calls are
 * synchronous, so one that has not returned when other work begins was cut off like that.
 */
export class EngineCalls {
  #innermost: EngineCall | undefined;

  /**
   * Whether a call has not returned. To be looked at before work begins that enters engines, but not in the middle of a
   * call, such as when memory grows: it was cut off in the one case, and is in progress in the other.
   */
  get isInside(): boolean {
    return this.#innermost !== undefined;
  }

  run<T>(cell: Cell, sha256: string, work: () => T): T {
    const outer = this.#innermost;
    this.#innermost = { cell, sha256, outer };
    try {
      return work();
    } finally {
      this.#innermost = outer;
    }
  }

  /** Forgets the calls that have not returned, and returns them from the innermost to the outermost. */
  take(): readonly EngineCall[] {
    const calls: EngineCall[] = [];
    for (let call = this.#innermost; call; call = call.outer) calls.push(call);
    this.#innermost = undefined;
    return calls;
  }
}
