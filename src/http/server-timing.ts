import { PHASES, type Trace } from "../domain/trace.ts";

/** The `server-timing` header: the phases that there were, and the time until the answer was made. */
export function toServerTiming({ phasesMs, totalMs }: Trace): string {
  let text = "";
  for (const phase of PHASES) {
    const duration = phasesMs[phase];
    if (duration !== undefined) text += `${phase};dur=${toMicroseconds(duration)}, `;
  }
  return `${text}total;dur=${toMicroseconds(totalMs)}`;
}

/** Microseconds are enough, and keep the lines short. */
export function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
