import { busyMs, PHASES, type Trace } from "../../domain/trace.ts";
import type { CallReport } from "./protocol.ts";

export const EMPTY_REPORT: CallReport = {
  phasesMs: {},
  coldStart: undefined,
  state: "absent",
  isFirst: false,
  usedBytes: 0,
};

/** Adds to a trace what the isolate of a model measured since an earlier report of the same call. */
export function applyReport(trace: Trace, report: CallReport, earlier: CallReport): void {
  for (const phase of PHASES) {
    const measured = report.phasesMs[phase];
    if (measured === undefined) continue;
    const before = earlier.phasesMs[phase] ?? 0;
    trace.phasesMs[phase] = (trace.phasesMs[phase] ?? 0) + measured - before;
  }
  if (report.coldStart !== undefined) trace.coldStart ||= report.coldStart;
  const { isFirst, usedBytes } = report;
  trace.isolate = { isFirst, usedBytes, busyMs: busyMs(report) };
}
