import { PHASES, type Trace, toMicroseconds } from "../domain/trace.ts";

/** The `server-timing` header: the measured phases, and the time until the response was created. */
export function toServerTiming({ phasesMs, totalMs, hidesCache }: Trace): string {
  let text = "";
  // The phases of a hit are others than those of a run.
  if (hidesCache) return `total;dur=${toMicroseconds(totalMs)}`;
  for (const phase of PHASES) {
    const duration = phasesMs[phase];
    if (duration !== undefined) text += `${phase};dur=${toMicroseconds(duration)}, `;
  }
  return `${text}total;dur=${toMicroseconds(totalMs)}`;
}
