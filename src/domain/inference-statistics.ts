/** How often something happened and how long it took in all. */
export interface DurationStatistic {
  count: number;
  ns: number;
}

/** What was counted of one version since the isolate began. */
export interface InferenceStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since the epoch; 0 before the first. */
  lastInference: number;
  /** Runs of the model; answers from a cache are no runs. */
  executions: number;
  readonly success: DurationStatistic;
  readonly fail: DurationStatistic;
  readonly queue: DurationStatistic;
  readonly computeInput: DurationStatistic;
  readonly computeInfer: DurationStatistic;
  readonly computeOutput: DurationStatistic;
  /** Answers from the cache, which are no executions. */
  readonly cacheHit: DurationStatistic;
  readonly cacheMiss: DurationStatistic;
}

/** Where the statistics of this isolate are read. */
export interface StatisticsReader {
  /** The statistics of a version, all zero if it was never asked. */
  of(name: string, version: string): InferenceStatistics;
}
