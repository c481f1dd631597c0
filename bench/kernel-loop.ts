/** A model of texts, run in a loop by the Worker of `workers/kernels`. */
export interface KernelLoop {
  readonly model: string;
  /** [texts, word pieces of each]. */
  readonly shape: readonly [number, number];
  /** Of the model's vocabulary. */
  readonly words: number;
  readonly inputs: readonly string[];
  readonly runs: number;
  readonly turns: number;
}

export interface KernelTimes {
  /** Whether the products of this project are used on this machine. */
  readonly isInstalled: boolean;
  /** Whether the outputs are the engine's own, to the last bit. */
  readonly isEqual: boolean;
  /** Milliseconds for a run, of the engine's own products and of those of this project, a turn after the other. */
  readonly ms: readonly (readonly number[])[];
}
