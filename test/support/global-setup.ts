import type { TestProject } from "vitest/node";
import { buildWorker } from "../../scripts/build-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder of the built Worker, for `startLocalWorker({ outdir: inject("workerBuild") })`. */
    workerBuild: string;
    /** The same of test/workerd/workers/held-storage. */
    heldStorageBuild: string;
  }
}

/** Builds the Workers, side by side, once for all test files of all projects that name this file. */
export async function setup({ vitest }: TestProject): Promise<void> {
  const root = vitest.getRootProject();
  if (root.getProvidedContext().workerBuild) return;
  const entry = projectPath("test", "workerd", "workers", "held-storage", "index.ts");
  const [workerBuild, heldStorageBuild] = await Promise.all([
    build("test-build"),
    build("held-storage", entry),
  ]);
  root.provide("workerBuild", workerBuild);
  root.provide("heldStorageBuild", heldStorageBuild);
}

async function build(purpose: string, entry?: string): Promise<string> {
  const outdir = createTemporaryFolder(purpose);
  await buildWorker(outdir, entry);
  return outdir;
}
