import type { EventSink } from "../../domain/ports.ts";
import type { SinkDefinition } from "./sink-definition.ts";

/** One JSON line for each event on the console, which Workers Logs and Tail Workers collect. */
export function createConsoleSink(write: (line: string) => void = console.log): EventSink {
  return { emit: (event) => write(JSON.stringify(event)) };
}

export const CONSOLE_SINK: SinkDefinition = {
  name: "console",
  create: ({ eventLog }) => (eventLog ? createConsoleSink() : undefined),
};
