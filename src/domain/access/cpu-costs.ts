import type { Trace } from "../trace.ts";

/** The CPU time of one request. */
export interface CpuMeasurement {
  /**
   * To be called when the response has ended.
   * @param isStream whether the client could delay it
   * @returns in milliseconds; a promise where the clock has to advance first
   */
  end(trace: Trace, isStream: boolean): number | Promise<number>;
}

/** Measures what requests cost. */
export interface CpuCosts {
  begin(): CpuMeasurement;
}
