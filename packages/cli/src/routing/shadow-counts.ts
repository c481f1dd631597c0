import type { CommandContext } from "../context.ts";
import { toTable } from "../format/table.ts";
import { pathOf } from "../server/server-client.ts";

/** The counts of a model's shadows, of the isolate that answers. */
export async function printShadowCounts(
  { server, output }: CommandContext,
  model: string,
): Promise<void> {
  const counts = await server.json<Record<string, unknown>>({
    path: pathOf("admin", "models", model, "shadow"),
  });
  output.result(
    counts,
    toTable(Object.entries(counts).map(([name, value]) => [name, JSON.stringify(value)])),
  );
}
