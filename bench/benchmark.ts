import type { Table } from "./table.ts";

export interface BenchmarkOptions {
  /** Number of times that everything is measured, in fresh processes each time. */
  readonly rounds: number;
  /** Duration of one measurement in seconds, warm-up excluded. */
  readonly seconds: number;
  /** Connections of the load generator. */
  readonly connections: number;
  /** Passes of the soak over its models. */
  readonly cycles: number;
  /** Called with one line of progress. */
  readonly report: (line: string) => void;
}

export interface BenchmarkResult {
  readonly tables: readonly Table[];
  /** Every measured value, for the JSON file. */
  readonly raw: unknown;
}

/** The export of a file in `cases/`. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  /** @throws Error when a request fails or a result is wrong, which invalidates the whole run */
  run(options: BenchmarkOptions): Promise<BenchmarkResult>;
}
