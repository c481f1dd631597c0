import { setTimeout as pause } from "node:timers/promises";
import { CliError, explain } from "../cli-error.ts";
import type { CommandContext } from "../context.ts";
import { readEvents } from "../predict/stream.ts";
import type { EventFilter } from "./event-filter.ts";

/** Before a connection is opened anew. */
const RECONNECT_MS = 1000;
/** Of the events that were printed: those of the past come again with each connection. */
const MAX_KNOWN = 10_000;

/** Prints events of the past, then new ones, until Ctrl-C. A connection that ends is opened again. */
export async function followEvents(
  { server, output, signal }: CommandContext,
  { status, ...filter }: EventFilter,
  follow: boolean,
  print: (event: Record<string, unknown>) => void,
): Promise<void> {
  const known = new Set<string>();
  for (;;) {
    try {
      const response = await server.send({
        path: "/admin/events",
        query: { ...filter, status: status?.join(","), follow: follow ? undefined : false },
        headers: { accept: "text/event-stream" },
      });
      for await (const data of readEvents(response)) {
        if (known.has(data)) continue;
        known.add(data);
        const [oldest] = known;
        if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
        print(JSON.parse(data));
      }
    } catch (error) {
      if (signal.aborted || error instanceof CliError) throw error;
      output.note(`the connection ended: ${explain(error)}`);
    }
    if (!follow) return;
    signal.throwIfAborted();
    await pause(RECONNECT_MS, undefined, { signal });
  }
}
