import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { exitWith, UserError } from "../packages/cli/src/local/user-error.ts";
import { eventJsonSchema } from "../src/domain/event/json-schema.ts";
import { manifestJsonSchema } from "../src/domain/manifest.ts";
import { withKindsTable } from "./alert-kinds-table.ts";
import { withEventTables } from "./event-tables.ts";
import { projectPath } from "./project.ts";

/** `npm run schema`: writes the JSON Schemas of the manifest and of events, formatted like the rest of the project, and the tables of docs/events.md and docs/alerts.md. */
try {
  writeSchema(projectPath("docs", "manifest.schema.json"), manifestJsonSchema());
  writeSchema(projectPath("docs", "event.schema.json"), eventJsonSchema());
  writeTables(projectPath("docs", "events.md"), withEventTables);
  writeTables(projectPath("docs", "alerts.md"), withKindsTable);
} catch (error) {
  exitWith(error);
}

function writeTables(page: string, withTables: (text: string) => string): void {
  writeFileSync(page, withTables(readFileSync(page, "utf8")));
  console.log(`wrote the tables of ${page}`);
}

function writeSchema(file: string, schema: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
  const biome = projectPath("node_modules", "@biomejs", "biome", "bin", "biome");
  const args = [biome, "format", "--write", file];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: projectPath(),
    encoding: "utf8",
  });
  if (status !== 0) throw new UserError(`formatting ${file} failed:\n${stdout}${stderr}`);
  console.log(`wrote ${file}`);
}
