import type { CliCommand } from "../command.ts";

export const DEV: CliCommand = {
  name: "dev",
  group: "Project",
  summary: "Serve the project on this machine",
  description:
    "Builds the Worker with the project's wrangler, stores the models of its folder in a simulated bucket, and serves them with workerd until Ctrl-C. What is published to it is kept. The environment variables PORT, ONNXFLARE_STATE, ONNXFLARE_MODELS and ONNXFLARE_CPU_MS are the same as these options. Anybody may predict, unless PUBLIC_PREDICT is false in the environment, .dev.vars or wrangler.toml.",
  examples: [
    { command: "onnxflare dev", does: "serve on http://127.0.0.1:8787" },
    { command: "onnxflare dev --port 0 --state /tmp/state", does: "a free port, another state" },
  ],
  callsServer: false,
  define: (command) =>
    command
      .option("--port <port>", "port on 127.0.0.1, 0 for a free one (default 8787)")
      .option("--state <folder>", "folder of the simulated storage (default .onnxflare/state)")
      .option("--models <folder>", "folder of the models to store (default models)")
      .option(
        "--cpu-ms <ms>",
        "CPU time after which a run without an end is ended, 0 for none (default cpu_ms of wrangler.toml)",
      )
      .action(async (options) => {
        const { serve, serveOptionsOf } = await import("../local/serve.ts");
        const { openProject } = await import("../local/worker-project.ts");
        const environment = serveOptionsOf(process.env);
        await serve(openProject(process.cwd()), { ...environment, ...options });
        // Until a signal.
        await new Promise<never>(() => {});
      }),
};
