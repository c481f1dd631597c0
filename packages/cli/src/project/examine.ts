import { existsSync } from "node:fs";
import { join } from "node:path";
import { explain } from "../cli-error.ts";
import { type FolderModel, scanModelFolder } from "../local/model-folder.ts";
import { openProject, type WorkerProject } from "../local/worker-project.ts";
import type { Check } from "./check.ts";
import { checkConfig } from "./check-config.ts";
import { checkModels, checkNode, checkSecrets, checkWrangler } from "./check-machine.ts";
import type { Example } from "./check-served-models.ts";
import { checkServer, type ServerChecks } from "./check-server.ts";

/** All checks of `onnxflare doctor`, in their order: of this machine, of the project if the folder is one, and of the server. */
export async function* examine(
  folder: string,
  server: Omit<ServerChecks, "exampleOf">,
): AsyncIterable<Check> {
  yield checkNode();
  const project = findProject(folder);
  if (project) yield* examineProject(project);
  else
    yield {
      name: "project",
      status: "ok",
      message: "this folder is none, so only the server is examined",
    };
  const models = project ? examplesIn(project) : [];
  const exampleOf = (name: string): Example | undefined =>
    models.findLast(({ manifest }) => manifest.name === name)?.manifest.example;
  yield* checkServer({ ...server, exampleOf });
}

async function* examineProject(project: WorkerProject): AsyncIterable<Check> {
  const wrangler = checkWrangler(project);
  yield wrangler;
  if (wrangler.status !== "fail")
    try {
      yield* await checkConfig(project);
    } catch (error) {
      yield { name: "configuration", status: "fail", message: explain(error) };
    }
  yield* checkSecrets(project);
  yield* await checkModels(project);
}

function findProject(folder: string): WorkerProject | undefined {
  try {
    return openProject(folder);
  } catch {
    return undefined;
  }
}

function examplesIn({ folder }: WorkerProject): readonly FolderModel[] {
  const models = join(folder, "models");
  return existsSync(models) ? scanModelFolder(models).models : [];
}
