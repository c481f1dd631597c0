import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type FolderModel, readModelFolder } from "../packages/cli/src/local/model-folder.ts";
import { seedModels } from "../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { UserError } from "../packages/cli/src/local/user-error.ts";
import { buildWorker } from "./build-worker.ts";
import { startLocalWorker } from "./local-worker.ts";
import { projectPath } from "./project.ts";

const ADMIN_KEY = "tables";

/** A table of models/ with its training rows, on a local Worker. */
export interface ServedTable extends FolderModel {
  /** CSV, as `recipes/example_rows.py` has written it. */
  readonly rows: string;
  /** What the rows are. */
  readonly source: string;
  /** A request to one of the routes of the version for administrators: `/profile`. */
  administer<T>(path: string, init?: RequestInit): Promise<T>;
}

/** @param folder that `recipes/example_rows.py` has written */
export async function forTables(
  folder: string | undefined,
  work: (table: ServedTable) => Promise<void>,
): Promise<void> {
  if (!folder) throw new UserError("name the folder that recipes/example_rows.py has written");
  const outdir = createTemporaryFolder("tables-onnxflare");
  await buildWorker(outdir);
  const worker = await startLocalWorker({ outdir, vars: { ADMIN_KEY } });
  try {
    await seedModels(await worker.bucket(), projectPath("models"));
    for (const model of readModelFolder(projectPath("models"))) {
      const { name, version, metrics } = model.manifest;
      const file = join(folder, `${name}.csv`);
      if (!existsSync(file)) continue;
      await work({
        ...model,
        rows: readFileSync(file, "utf8"),
        source: `the training rows of ${metrics?.dataset ?? name}`,
        async administer(path, init = {}) {
          const url = new URL(`/admin/models/${name}/versions/${version}${path}`, worker.url);
          const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "text/csv" };
          const response = await fetch(url, { ...init, headers });
          if (!response.ok) throw new UserError(`${name}: ${await response.text()}`);
          return (await response.json()) as never;
        },
      });
    }
  } finally {
    await worker.dispose();
  }
}
