import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROFILE_FILE } from "../packages/cli/src/local/seed.ts";
import { exitWith } from "../packages/cli/src/local/user-error.ts";
import type { KnownProfile } from "../src/domain/monitoring/reference-profile.ts";
import { forTables, type ServedTable } from "./for-tables.ts";

/**
 * `node scripts/bootstrap.mjs scripts/write-profiles.ts FOLDER`: makes the reference profiles of the models in models/ of the rows that
 * `recipes/example_rows.py FOLDER` has written, and writes each beside its manifest.
 */

await forTables(process.argv[2], writeProfile).catch(exitWith);

async function writeProfile({ manifest, folder, rows, source, administer }: ServedTable) {
  const { profile } = await administer<KnownProfile>("/profile", { method: "PUT", body: rows });
  const written = { ...profile, createdAt: manifest.createdAt, source };
  writeFileSync(join(folder, PROFILE_FILE), `${JSON.stringify(written, null, 1)}\n`);
  console.log(`${manifest.name}: ${profile.rows} rows, ${profile.inputs.length} inputs`);
}
