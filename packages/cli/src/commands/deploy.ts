import type { CliCommand } from "../command.ts";

export const DEPLOY: CliCommand = {
  name: "deploy",
  group: "Project",
  summary: "Deploy the project to Cloudflare",
  description:
    "Runs the project's wrangler: creates the buckets and namespaces of wrangler.toml that the account does not have, writes their ids into it, deploys the Worker, and waits until it is ready. It can be repeated.",
  examples: [
    { command: "onnxflare deploy --dry-run", does: "build and check, without an account" },
    { command: "onnxflare deploy --set-admin-key", does: "deploy with a new key of /admin" },
    { command: "onnxflare deploy", does: "deploy again, with the key that is set" },
  ],
  callsServer: false,
  define: (command, context) =>
    command
      .option("--dry-run", "build the Worker and check the configuration only")
      .option("--set-admin-key", "make a new ADMIN_KEY, set it as a secret and print it once")
      .option("--url <url>", "address of the Worker, where it has only a route in wrangler.toml")
      .action(async ({ dryRun = false, setAdminKey = false, url: givenUrl }) => {
        const { output, signal } = context();
        const { openProject } = await import("../local/worker-project.ts");
        const { createWrangler } = await import("../project/wrangler.ts");
        const { deployProject } = await import("../project/deploy-project.ts");
        const { nextCommands } = await import("../project/next-commands.ts");
        const { tryDeployment } = await import("../project/try-deployment.ts");
        const project = openProject(process.cwd());
        const wrangler = createWrangler(project, signal);
        const { note, warn } = output;
        if (dryRun) {
          const trial = await tryDeployment(project, wrangler, { report: note, warn });
          output.result(trial, `${trial.name} can be deployed: ${trial.size}`);
          return;
        }
        const options = { setAdminKey, url: givenUrl, report: note, warn, signal };
        const deployment = await deployProject(project, wrangler, options);
        const { name, url, adminKey, hasAdminKey } = deployment;
        if (!hasAdminKey)
          warn(
            "the secret ADMIN_KEY is not set, so nothing can be published; npx onnxflare deploy --set-admin-key sets it",
          );
        const next = nextCommands(project.folder, deployment);
        const lines = [
          `deployed ${name}${url === undefined ? "" : `, ready on ${url}`}`,
          ...(adminKey === undefined ? [] : [`ADMIN_KEY, shown only now: ${adminKey}`]),
          ...(next.length === 0 ? [] : ["", "Next:", "", ...next.map((each) => `  ${each}`)]),
        ];
        output.result({ ...deployment, next }, lines.join("\n"));
      }),
};
