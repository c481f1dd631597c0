import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readModelFolder } from "../packages/cli/src/local/model-folder.ts";
import { PROFILE_FILE, seedModels } from "../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { exitWith, UserError } from "../packages/cli/src/local/user-error.ts";
import type { KnownProfile } from "../src/domain/monitoring/reference-profile.ts";
import { buildWorker } from "./build-worker.ts";
import { startLocalWorker } from "./local-worker.ts";
import { projectPath } from "./project.ts";

/**
 * `node scripts/bootstrap.mjs scripts/write-profiles.ts FOLDER`: makes the reference profiles of the models in models/ of the rows that
 * `recipes/example_rows.py FOLDER` has written, and writes each beside its manifest.
 */

const ADMIN_KEY = "profiles";

await writeProfiles(process.argv[2]).catch(exitWith);

async function writeProfiles(folder: string | undefined): Promise<void> {
  if (!folder) throw new UserError("name the folder that recipes/example_rows.py has written");
  const outdir = createTemporaryFolder("profiles-onnxflare");
  await buildWorker(outdir);
  const worker = await startLocalWorker({ outdir, vars: { ADMIN_KEY } });
  try {
    await seedModels(await worker.bucket(), projectPath("models"));
    for (const { manifest, folder: target } of readModelFolder(projectPath("models"))) {
      const { name, version, createdAt, metrics } = manifest;
      const rows = join(folder, `${name}.csv`);
      if (!existsSync(rows)) continue;
      const url = new URL(`/admin/models/${name}/versions/${version}/profile`, worker.url);
      const response = await fetch(url, {
        method: "PUT",
        headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "text/csv" },
        body: readFileSync(rows),
      });
      if (!response.ok) throw new UserError(`${name}: ${await response.text()}`);
      const { profile } = (await response.json()) as KnownProfile;
      const source = `the training rows of ${metrics?.dataset ?? name}`;
      const written = { ...profile, createdAt, source };
      writeFileSync(join(target, PROFILE_FILE), `${JSON.stringify(written, null, 1)}\n`);
      console.log(`${name}: ${profile.rows} rows, ${profile.inputs.length} inputs`);
    }
  } finally {
    await worker.dispose();
  }
}
