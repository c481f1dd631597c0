import type { TestProject } from "vitest/node";
import { buildWorker } from "../../scripts/build-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";
import { writeWorkerEntry } from "../../scripts/worker-entry.ts";

/** The folders of test/workerd/workers: Workers that only tests use. */
const TEST_WORKERS = ["held-storage", "leases", "streaming"] as const;

type TestWorker = (typeof TEST_WORKERS)[number];

declare module "vitest" {
  interface ProvidedContext {
    /** The folder of the built Worker, for `startLocalWorker({ outdir: inject("workerBuild") })`. */
    workerBuild: string;
    /** The folders of the built test Workers. */
    testWorkerBuilds: Readonly<Record<TestWorker, string>>;
  }
}

/** Builds all Workers, side by side, once for the test files of every project that names this file. */
export async function setup({ vitest }: TestProject): Promise<void> {
  const root = vitest.getRootProject();
  if (root.getProvidedContext().workerBuild) return;
  const [workerBuild, ...testWorkers] = await Promise.all([
    build("worker"),
    ...TEST_WORKERS.map(async (name) => [name, await build(name, testWorkerEntry(name))] as const),
  ]);
  root.provide("workerBuild", workerBuild);
  root.provide("testWorkerBuilds", Object.fromEntries(testWorkers) as Record<TestWorker, string>);
}

function testWorkerEntry(name: TestWorker): string {
  return writeWorkerEntry(projectPath("test", "workerd", "workers", name, "index.ts"));
}

async function build(name: string, entry?: string): Promise<string> {
  const outdir = createTemporaryFolder(`test-${name}`);
  await buildWorker(outdir, entry);
  return outdir;
}
