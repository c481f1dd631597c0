import { setTimeout as pause } from "node:timers/promises";
import { CliError, explain } from "../cli-error.ts";
import type { CommandContext } from "../context.ts";
import { readEvents } from "../predict/stream.ts";
import type { EventFilter } from "./event-filter.ts";

/** Before a connection is opened anew. */
const RECONNECT_MS = 1000;
/** Of the events that were printed: those of the past come again with each connection. */
const MAX_KNOWN = 10_000;

/**
 * Prints events of the past, then new ones, until Ctrl-C. A connection that ends is opened again.
 * @param filter what the server can choose by: `print` chooses by the rest of it
 */
export async function followEvents(
  { server, output, signal }: CommandContext,
  { model, operation, code, event, status = [] }: EventFilter,
  follow: boolean,
  print: (event: Record<string, unknown>) => void,
): Promise<void> {
  const known = new Set<string>();
  for (;;) {
    try {
      const response = await server.send({
        path: "/admin/events",
        query: {
          model,
          operation,
          code,
          event,
          status: status.length === 1 ? status[0] : undefined,
          follow,
        },
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
