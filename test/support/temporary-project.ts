import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
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
  if (worker === undefined) {
    symlinkSync(projectPath("node_modules"), join(project, "node_modules"));
  } else {
    writeFileSync(join(project, "src", "index.ts"), worker);
    linkPackages(join(project, "node_modules"));
  }
  return { folder: project, path: (...segments) => join(project, ...segments) };
}

/** The packages of the repository, but onnxflare as far as a Worker of a test is deployed with it: the static assets, which only a built package has. */
function linkPackages(folder: string): void {
  const assets = join(folder, "onnxflare", "dist", "assets");
  mkdirSync(assets, { recursive: true });
  writeFileSync(join(assets, "dashboard.html"), "<!doctype html><title>Dashboard</title>");
  for (const name of readdirSync(projectPath("node_modules"))) {
    if (name !== "onnxflare") symlinkSync(projectPath("node_modules", name), join(folder, name));
  }
}
