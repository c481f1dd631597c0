import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { parseConfig } from "../../../../src/config.ts";
import { scanModelFolder } from "../local/model-folder.ts";
import { isServingNode, SERVING_NODE } from "../local/serving-node.ts";
import { reason } from "../local/user-error.ts";
import { toVersionFiles } from "../local/version-files.ts";
import type { WorkerProject } from "../local/worker-project.ts";
import { type Check, toChecks } from "./check.ts";
import { readTemplate } from "./template.ts";

type Problem = Omit<Check, "name">;

export function checkNode(): Check {
  const version = process.versions.node;
  if (isServingNode(version)) return { name: "node", status: "ok", message: `Node ${version}` };
  return {
    name: "node",
    status: "fail",
    message: `Node ${version} can't serve or deploy a project, which takes ${SERVING_NODE}`,
    remedy: "install a newer Node; in the folder of a project, npm install adds one for npx",
  };
}

/** The project's wrangler, against the one that onnxflare is tested with. */
export function checkWrangler({ folder }: WorkerProject): Check {
  const name = "wrangler";
  const tested: string = JSON.parse(readTemplate().get("package.json")?.toString("utf8") ?? "{}")
    .devDependencies.wrangler;
  let version: string;
  try {
    const { resolve } = createRequire(join(folder, "package.json"));
    version = JSON.parse(readFileSync(resolve("wrangler/package.json"), "utf8")).version;
  } catch {
    const message = `wrangler is not installed in ${folder}`;
    return { name, status: "fail", message, remedy: "run npm install" };
  }
  if (version === tested) return { name, status: "ok", message: `wrangler ${version}` };
  return {
    name,
    status: "warn",
    message: `wrangler ${version}, and onnxflare is tested with ${tested}`,
    remedy: `npm install --save-dev --save-exact wrangler@${tested}`,
  };
}

/** The secrets of the local server. */
export function checkSecrets({ folder }: WorkerProject): readonly Check[] {
  const file = join(folder, ".dev.vars");
  if (!existsSync(file))
    return toChecks("secrets", [
      {
        status: "warn",
        message: ".dev.vars, with the secrets of the local server, does not exist",
        remedy: "npx onnxflare dev makes it",
      },
    ]);
  const problems: Problem[] = [];
  const secrets = parseEnv(readFileSync(file, "utf8"));
  try {
    parseConfig(secrets);
  } catch (error) {
    problems.push({
      status: "fail",
      message: `.dev.vars: ${reason(error)}`,
      remedy: "correct it; dist/docs/configuration.md of the package has all settings",
    });
  }
  if (!secrets.ADMIN_KEY?.trim())
    problems.push({
      status: "warn",
      message: ".dev.vars has no ADMIN_KEY, so nothing can be published to the local server",
      remedy: "add a line ADMIN_KEY=... with a key of yours",
    });
  const tracked = spawnSync("git", ["ls-files", "--error-unmatch", ".dev.vars"], { cwd: folder });
  if (tracked.status === 0)
    problems.push({
      status: "fail",
      message: ".dev.vars is committed to git, so everybody with the repository has the key",
      remedy: "git rm --cached .dev.vars, add it to .gitignore, and change the key",
    });
  return toChecks("secrets", problems, ".dev.vars has ADMIN_KEY");
}

/** The models that a local server stores, each file by its digest. */
export async function checkModels({ folder }: WorkerProject): Promise<readonly Check[]> {
  const modelsFolder = join(folder, "models");
  if (!existsSync(modelsFolder))
    return toChecks("models", [
      {
        status: "warn",
        message: `there is no folder ${modelsFolder}, so npx onnxflare dev does not start`,
        remedy: "mkdir models",
      },
    ]);
  const { models, problems } = scanModelFolder(modelsFolder);
  const found = [...problems];
  for (const model of models) {
    try {
      const { manifest, read } = await toVersionFiles(model);
      for (const { path } of manifest.files) read(path);
    } catch (error) {
      found.push(reason(error));
    }
  }
  return toChecks(
    "models",
    found.map((message) => ({
      status: "fail",
      message,
      remedy: "correct the file in models/, or remove the version",
    })),
    `models/ has ${models.length} valid version${models.length === 1 ? "" : "s"}`,
  );
}
