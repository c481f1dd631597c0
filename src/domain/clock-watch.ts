import type { ClockKind } from "./event.ts";
import type { Trace } from "./trace.ts";

/** Finds out whether the clock of an isolate advances during work of the CPU. */
export interface ClockWatch {
  /** By what a call measured, and those before it. */
  kindOf(trace: Pick<Trace, "executions" | "phasesMs" | "coldStart">): ClockKind;
}

/** Runs of models that are loaded which take no time, where a clock advances by whole milliseconds, are rarely as many in a row. */
const MANY_RUNS = 30;

/**
 * The first run of a model that was just loaded takes a millisecond or more: where it takes no time, and none has taken any before, the
 * clock stands still, as on Cloudflare's network.
 */
export function createClockWatch(): ClockWatch {
  let kind: ClockKind | undefined;
  let timeless = 0;
  return {
    kindOf({ executions, phasesMs, coldStart }) {
      if (kind === "advancing" || executions === 0) return kind ?? "advancing";
      if ((phasesMs.infer ?? 0) > 0) kind = "advancing";
      else {
        timeless += executions;
        if (coldStart || timeless >= MANY_RUNS) kind = "frozen";
      }
      return kind ?? "advancing";
    },
  };
}

export const ISOLATE_CLOCK: ClockWatch = createClockWatch();
