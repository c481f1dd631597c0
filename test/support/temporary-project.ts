import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { initProject } from "../../packages/cli/src/project/init-project.ts";
import { projectPath } from "../../scripts/project.ts";

export interface TemporaryProject {
  readonly folder: string;
  path(...segments: string[]): string;
}

/**
 * A project as `onnxflare init` makes it, with the packages of the repository instead of installed ones.
 * @param worker the source of its Worker instead of the package onnxflare, whose build takes long
 */
export function createProject(folder: string, name: string, worker?: string): TemporaryProject {
  const project = join(folder, name);
  initProject({ target: project, models: "iris-logistic", from: "0.1.0" }, () => undefined);
  symlinkSync(projectPath("node_modules"), join(project, "node_modules"));
  if (worker !== undefined) writeFileSync(join(project, "src", "index.ts"), worker);
  return { folder: project, path: (...segments) => join(project, ...segments) };
}
