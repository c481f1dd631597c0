import type { TestProject } from "vitest/node";
import { buildWorker } from "../../scripts/build-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder of the built Worker, for `startLocalWorker({ outdir: inject("workerBuild") })`. */
    workerBuild: string;
    /** The folder of the built test/workerd/workers, one of which the variable `TEST_WORKER` selects. */
    testWorkersBuild: string;
  }
}

/** Builds the Workers, side by side, once for the test files of every project that names this file. */
export async function setup({ vitest }: TestProject): Promise<void> {
  const root = vitest.getRootProject();
  if (root.getProvidedContext().workerBuild) return;
  const [workerBuild, testWorkersBuild] = await Promise.all([
    build("worker"),
    build("test-workers", projectPath("test", "workerd", "workers", "index.ts")),
  ]);
  root.provide("workerBuild", workerBuild);
  root.provide("testWorkersBuild", testWorkersBuild);
}

async function build(name: string, entry?: string): Promise<string> {
  const outdir = createTemporaryFolder(name);
  await buildWorker(outdir, entry);
  return outdir;
}
