import { spawn } from "node:child_process";
import { UserError } from "./user-error.ts";
import { type WorkerProject, wranglerProgram } from "./worker-project.ts";

// CI: no prompts and no update check.
const quiet = { CI: "true", WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false" };

/**
 * Bundles the Worker as a deployment does, into `outdir`: its entry and the modules that this imports.
 * @param entry an entry file that replaces that of the project's configuration, with the same settings
 * @throws UserError with wrangler's output, when the build fails
 */
export async function buildWorker(
  project: WorkerProject,
  outdir: string,
  entry?: string,
): Promise<void> {
  const args = [
    "--no-warnings",
    wranglerProgram(project),
    "deploy",
    ...(entry ? [entry] : []),
    "--config",
    project.configFile,
    "--dry-run",
    "--outdir",
    outdir,
  ];
  const child = spawn(process.execPath, args, {
    cwd: project.folder,
    env: { ...process.env, ...quiet },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = (): boolean => child.kill();
  process.once("exit", stop);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  process.off("exit", stop);
  if (code !== 0) throw new UserError(`the build of the Worker failed:\n${output.trim()}`);
}
