import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildModelIsolate } from "../../scripts/build-model-isolate.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { projectPath } from "../../scripts/project.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder of the built Worker, for `startLocalWorker({ outdir: inject("workerBuild") })`. */
    workerBuild: string;
    /** The folder of the built test/workerd/workers, one of which the variable `TEST_WORKER` selects. */
    testWorkersBuild: string;
    /** The folder of the built test/workerd/isolates, `{name}.txt` each, for the variable `ISOLATE`. */
    testIsolatesBuild: string;
  }
}

/** Builds the Workers, side by side, once for the test files of every project that names this file. */
export async function setup({ vitest }: TestProject): Promise<void> {
  const root = vitest.getRootProject();
  if (root.getProvidedContext().workerBuild) return;
  const [workerBuild, testWorkersBuild, testIsolatesBuild] = await Promise.all([
    build("worker"),
    build("test-workers", projectPath("test", "workerd", "workers", "index.ts")),
    buildIsolates(),
  ]);
  root.provide("workerBuild", workerBuild);
  root.provide("testWorkersBuild", testWorkersBuild);
  root.provide("testIsolatesBuild", testIsolatesBuild);
}

async function build(name: string, entry?: string): Promise<string> {
  const outdir = createTemporaryFolder(name);
  await buildWorker(outdir, entry);
  return outdir;
}

/** The code of isolates of models that only tests use. */
const ISOLATES = ["tasks", "hostile"] as const;
export type TestIsolate = (typeof ISOLATES)[number];

async function buildIsolates(): Promise<string> {
  const outdir = createTemporaryFolder("test-isolates");
  for (const name of ISOLATES)
    await buildModelIsolate({
      entry: projectPath("test", "workerd", "isolates", name, "index.ts"),
      output: join(outdir, `${name}.txt`),
    });
  return outdir;
}
