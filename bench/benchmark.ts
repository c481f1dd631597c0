import type { Table } from "./table.ts";

export interface BenchmarkOptions {
  /** How often everything is measured, each time in fresh processes. */
  readonly rounds: number;
  /** Duration of one measurement, without its warm-up. */
  readonly seconds: number;
  /** Connections that the load generator keeps busy. */
  readonly connections: number;
  /** How often the soak goes through its models. */
  readonly cycles: number;
  /** Called with one line of progress at a time. */
  readonly report: (line: string) => void;
}

export interface BenchmarkResult {
  readonly tables: readonly Table[];
  /** Every value that was measured, for the JSON file. */
  readonly raw: unknown;
}

/** One file in `cases/`. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  /** @throws Error when anything that was measured failed or answered wrongly: then nothing is valid */
  run(options: BenchmarkOptions): Promise<BenchmarkResult>;
}
