import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { WorkerProject } from "../packages/cli/src/local/worker-project.ts";

/** The folder of package.json, independent of the current working directory. */
export const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));

export function projectPath(...segments: string[]): string {
  return join(projectFolder, ...segments);
}

/** The repository as a project with a Worker. */
export const checkout: WorkerProject = {
  folder: projectFolder,
  configFile: projectPath("wrangler.toml"),
};
