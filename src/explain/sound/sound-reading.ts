/** What a model hears in a recording, as numbers that are explained. */
export interface SoundReading {
  readonly names: readonly string[];
  readonly predicted: number;
  readonly full: Float64Array;
  /** Of the answer beside the explanation. */
  readonly answer: object;
  /** Of the model, beside the one that `full` is of. */
  readonly runs: number;
  /** Runs the task for a recording with other samples. */
  value(samples: Float32Array): Promise<Float64Array>;
}
