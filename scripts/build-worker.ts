import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { projectFolder, projectPath } from "./project.ts";
import { UserError } from "./user-error.ts";

// The main program: `bin/wrangler.js` would start it as a grandchild, which signals do not reach.
const wrangler = createRequire(import.meta.url).resolve("wrangler");
// CI: no prompts and no update check.
const quiet = { CI: "true", WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false" };

/**
 * Bundles the Worker as a deployment does, into `outdir`: index.js and the modules it imports.
 * @param entry an entry file that replaces that of wrangler.toml, with the same settings
 * @throws UserError with wrangler's output, when the build fails
 */
export async function buildWorker(outdir: string, entry?: string): Promise<void> {
  const args = [
    "--no-warnings",
    wrangler,
    "deploy",
    ...(entry ? [entry] : []),
    "--config",
    projectPath("wrangler.toml"),
    "--dry-run",
    "--outdir",
    outdir,
  ];
  const child = spawn(process.execPath, args, {
    cwd: projectFolder,
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
