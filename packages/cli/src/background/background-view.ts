import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { KnownBackground } from "../../../../src/domain/explanation/background.ts";
import type { ModelId } from "../../../../src/domain/model-id.ts";
import type { CommandContext } from "../context.ts";
import { type ExampleData, readExampleData } from "../drift/read-example-data.ts";
import { toTable } from "../format/table.ts";
import { pathOf } from "../server/server-client.ts";

/** As many are enough for explanations, each of which runs the model for all of them. */
export const DEFAULT_ROWS = 100;
/** Beside a manifest, of a version that is explained. */
export const BACKGROUND_FILES = ["background.json", "background.csv"] as const;
const SHOWN_ROWS = 10;

export interface KeptBackground extends ModelId {
  readonly digest: string;
  readonly rows: number;
}

export function backgroundPath({ name, version }: ModelId): string {
  return pathOf("admin", "models", name, "versions", version, "background");
}

/** The background rows in a folder that is published, if there are any. */
export function findBackground(path: string): string | undefined {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  return BACKGROUND_FILES.map((name) => join(path, name)).find((file) => existsSync(file));
}

/**
 * Rows of a file, as they are sent: of what `background show --json` has printed the rows, whatever version they were kept with.
 * @throws CliError for what is no file of rows
 */
export function readBackgroundRows(file: string, maxRows = DEFAULT_ROWS): ExampleData {
  const data = readExampleData(file, maxRows);
  if (data.contentType !== "application/json") return data;
  const value: unknown = JSON.parse(data.body);
  if (typeof value !== "object" || value === null || !("schemaVersion" in value)) return data;
  const { inputs, source } = value as { inputs?: unknown; source?: unknown };
  return { ...data, body: JSON.stringify({ inputs, source }) };
}

/** Keeps the rows of a file with a version. */
export async function sendBackground(
  { server, output }: CommandContext,
  id: ModelId,
  file: string,
  maxRows?: number,
): Promise<KeptBackground> {
  const { contentType, body, note } = readBackgroundRows(file, maxRows);
  if (note !== undefined) output.note(note);
  const kept = await server.json<Omit<KeptBackground, "name">>({
    method: "PUT",
    path: backgroundPath(id),
    headers: { "content-type": contentType },
    body,
  });
  return { name: id.name, version: id.version, digest: kept.digest, rows: kept.rows };
}

/** The first rows, and how many there are. */
export function describeBackground({ digest, background }: KnownBackground): string {
  const { inputs, createdAt, source } = background;
  const shown = inputs.slice(0, SHOWN_ROWS).map((row) => [JSON.stringify(row)]);
  const more = inputs.length > SHOWN_ROWS ? `\n... (--json prints all of them)` : "";
  const of = source === undefined ? "" : `, ${source}`;
  return `${toTable(shown)}${more}\n${inputs.length} rows${of}, set ${createdAt}, ${digest}`;
}
