import type { CommandContext } from "../context.ts";
import { toTable } from "../format/table.ts";
import { pathOf } from "../server/server-client.ts";

interface ShadowPair {
  readonly alias: string;
  readonly version: string;
  readonly shadowVersion: string;
  readonly same: number;
  readonly different: number;
  readonly failed: number;
  readonly skipped: number;
  readonly measures?: Readonly<Record<string, { readonly mean: number; readonly max: number }>>;
}

/** Prints the counts of a model's shadows, of the isolate that answers. */
export async function printShadowCounts(
  { server, output }: CommandContext,
  model: string,
): Promise<void> {
  const counts = await server.json<{ pairs: readonly ShadowPair[] }>({
    path: pathOf("admin", "models", model, "shadow"),
  });
  const { pairs } = counts;
  if (pairs.length === 0) output.note(`no request of ${model} has been copied to a shadow yet`);
  const heading = [
    "ALIAS",
    "VERSION",
    "SHADOW",
    "SAME",
    "DIFFERENT",
    "FAILED",
    "SKIPPED",
    "DISTANCE",
  ];
  const rows = pairs.map((pair) => [
    pair.alias,
    pair.version,
    pair.shadowVersion,
    ...[pair.same, pair.different, pair.failed, pair.skipped].map(String),
    describeMeasures(pair.measures),
  ]);
  const table = toTable([heading.map((text) => output.style("bold", text)), ...rows]);
  output.result(counts, pairs.length === 0 ? "" : table);
}

function describeMeasures(measures: ShadowPair["measures"] = {}): string {
  return Object.entries(measures)
    .map(([measure, { mean, max }]) => `${measure}: mean ${toDigits(mean)}, max ${toDigits(max)}`)
    .join("; ");
}

function toDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
