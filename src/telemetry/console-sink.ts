import type { EventSink } from "../domain/ports.ts";

/** One JSON line for each event on the console, which Workers Logs and Tail Workers collect. */
export function createConsoleSink(write: (line: string) => void = console.log): EventSink {
  return { emit: (event) => write(JSON.stringify(event)) };
}
