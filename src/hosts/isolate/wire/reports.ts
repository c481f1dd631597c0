import { busyMs, PHASES, type Trace } from "../../../domain/trace.ts";
import type { CallReport, TimedProgress } from "./protocol.ts";

export const EMPTY_REPORT: CallReport = {
  phasesMs: {},
  coldStart: undefined,
  generation: undefined,
  state: "absent",
  isFirst: false,
  usedBytes: 0,
  executions: 0,
  queueMs: 0,
  statistics: undefined,
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
  if (report.generation) applyProgress(trace, report.generation);
  const { isFirst, usedBytes } = report;
  trace.executions += report.executions - earlier.executions;
  trace.queueMs = (trace.queueMs ?? 0) + report.queueMs - earlier.queueMs;
  trace.heapBytes = usedBytes;
  trace.gathered = report.statistics ?? trace.gathered;
  trace.isolate = { isFirst, usedBytes, busyMs: busyMs(report) };
}

export function toTimedProgress({ generation, elapsedMs }: Trace): TimedProgress | undefined {
  return generation && { progress: generation, elapsedMs };
}

/** Times of the isolate become those of the trace: what began before the isolate was called, and its start, are part of them. */
export function applyProgress(trace: Trace, { progress, elapsedMs }: TimedProgress): void {
  const laterMs = trace.elapsedMs - elapsedMs;
  const { firstTokenMs, lastTokenMs } = progress;
  trace.generation = {
    ...progress,
    firstTokenMs: trace.generation?.firstTokenMs ?? addTo(firstTokenMs, laterMs),
    lastTokenMs: addTo(lastTokenMs, laterMs),
  };
}

function addTo(ms: number | undefined, laterMs: number): number | undefined {
  return ms === undefined ? undefined : ms + laterMs;
}
