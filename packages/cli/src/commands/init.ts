import { relative } from "node:path";
import { Option } from "@commander-js/extra-typings";
import type { CliCommand } from "../command.ts";
import { INIT_MODELS } from "../project/init-models.ts";

export const INIT: CliCommand = {
  name: "init",
  group: "Project",
  summary: "Make a project that serves and deploys onnxflare",
  description:
    "Writes a folder with the Worker as a package dependency, a wrangler.toml with every binding, a folder of models and a key for the local server. The folder must be empty or not exist.",
  examples: [
    { command: "onnxflare init my-models", does: "a project with a small model in it" },
    { command: "onnxflare init my-models --models none", does: "one without a model" },
    {
      command: "onnxflare init my-models --from onnxflare-0.1.0.tgz",
      does: "one that has the package from a packed tarball",
    },
  ],
  callsServer: false,
  define: (command, context) =>
    command
      .argument("<name>", "name of the Worker, or a path that ends with it")
      .addOption(
        new Option("--models <model>", "the model to start with")
          .choices(INIT_MODELS)
          .default("iris-logistic" as const),
      )
      .option(
        "--from <tarball>",
        "the package onnxflare: a packed tarball, or a version that npm finds (default: this program's own)",
      )
      .action(async (target, { models, from }) => {
        const { initProject } = await import("../project/init-project.ts");
        const { output } = context();
        const project = initProject({ target, models, from }, output.note);
        const folder = relative(process.cwd(), project.folder) || ".";
        const steps = [`cd ${folder}`, "npm install", "npm start"].slice(folder === "." ? 1 : 0);
        const deploy = ["npx wrangler login", "npx onnxflare deploy --set-admin-key"];
        const list = (commands: readonly string[]): string =>
          commands.map((each) => `  ${each}\n`).join("");
        output.result(
          { ...project, next: [...steps, ...deploy] },
          `${project.folder}: ${project.files.length} files, with onnxflare ${project.onnxflare}\n\nServe it on this machine:\n\n${list(steps)}\nDeploy it:\n\n${list(deploy)}`,
        );
      }),
};
