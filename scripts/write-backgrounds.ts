import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BACKGROUND_FILE } from "../packages/cli/src/local/seed.ts";
import { exitWith } from "../packages/cli/src/local/user-error.ts";
import type { KnownBackground } from "../src/domain/explanation/background.ts";
import { drawRows } from "../src/explain/table/background.ts";
import { forTables, type ServedTable } from "./for-tables.ts";

/**
 * `node scripts/bootstrap.mjs scripts/write-backgrounds.ts FOLDER`: draws the background rows of the models in models/ from the rows that
 * `recipes/example_rows.py FOLDER` has written, and writes them beside their manifests.
 */

const ROWS = 100;
const SEED = 0;

await forTables(process.argv[2], writeBackground).catch(exitWith);

async function writeBackground({ manifest, folder, rows, source, administer }: ServedTable) {
  const [heading = "", ...lines] = rows.trimEnd().split("\n");
  const drawn = drawRows(lines, ROWS, SEED);
  const body = [heading, ...drawn, ""].join("\n");
  await administer("/background", { method: "PUT", body });
  const { background } = await administer<KnownBackground>("/background");
  const { inputs, ...fields } = {
    ...background,
    createdAt: manifest.createdAt,
    source: `${drawn.length} of ${lines.length} rows, drawn at random: ${source}`,
  };
  // A row in each line.
  const list = inputs.map((row) => `  ${JSON.stringify(row)}`).join(",\n");
  const text = `${JSON.stringify(fields, null, 1).slice(0, -2)},\n "inputs": [\n${list}\n ]\n}\n`;
  writeFileSync(join(folder, BACKGROUND_FILE), text);
  console.log(`${manifest.name}: ${inputs.length} rows`);
}
