import { dirname, resolve } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import type { WorkerProject } from "./worker-project.ts";

/** `[assets]` of wrangler.toml. */
export interface AssetsConfig {
  readonly directory?: string | undefined;
  readonly binding?: string | undefined;
}

const NAME = "onnxflare-assets";

/**
 * The static assets of a project as a Worker of their own, and the service binding to it, which answers as the platform's binding of assets does.
 * In the options of the Worker itself, Miniflare would put two Workers in front of it, through which each request would go.
 * @returns without a Worker for a project that binds no assets
 */
export function createAssetsWorker(
  { configFile }: WorkerProject,
  { directory, binding }: AssetsConfig = {},
): { workers: readonly V4WorkerOptions[]; services: Readonly<Record<string, string>> } {
  if (directory === undefined || binding === undefined) return { workers: [], services: {} };
  const worker: V4WorkerOptions = {
    name: NAME,
    modules: true,
    script: "export default {};",
    compatibilityDate: "2026-11-01",
    assets: {
      directory: resolve(dirname(configFile), directory),
      routerConfig: { has_user_worker: false },
    },
  };
  return { workers: [worker], services: { [binding]: NAME } };
}
