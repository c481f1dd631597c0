import type { TestProject } from "vitest/node";
import { buildWorker } from "../../scripts/build-worker.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder of the built Worker, for `startLocalWorker({ outdir: inject("workerBuild") })`. */
    workerBuild: string;
  }
}

/** Builds the Worker once for all test files. */
export async function setup(project: TestProject): Promise<void> {
  const outdir = createTemporaryFolder("test-build");
  await buildWorker(outdir);
  project.provide("workerBuild", outdir);
}
