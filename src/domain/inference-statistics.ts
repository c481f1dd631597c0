/** The number and the total duration of something. */
export interface DurationStatistic {
  count: number;
  ns: number;
}

/** The counts of one version since the isolate started. */
export interface InferenceStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since the epoch; 0 before the first. */
  lastInference: number;
  /** Runs of the model, which cache hits are not. */
  executions: number;
  readonly success: DurationStatistic;
  readonly fail: DurationStatistic;
  readonly queue: DurationStatistic;
  readonly computeInput: DurationStatistic;
  readonly computeInfer: DurationStatistic;
  readonly computeOutput: DurationStatistic;
  /** Cache hits, which are no executions. */
  readonly cacheHit: DurationStatistic;
  readonly cacheMiss: DurationStatistic;
}

/** Reads the statistics of this isolate. */
export interface StatisticsReader {
  /** The statistics of a version, all zero if it was never requested. */
  of(name: string, version: string): InferenceStatistics;
  /** Drops the statistics of a version that was deleted. */
  forget(name: string, version: string): void;
}
