import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { projectFolder, projectPath } from "./project.ts";
import { UserError } from "./user-error.ts";

// The program itself: `bin/wrangler.js` starts it as a grandchild, which a signal would not reach.
const wrangler = createRequire(import.meta.url).resolve("wrangler");
// CI: no questions and no look for updates.
const quiet = { CI: "true", WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false" };

/**
 * Bundles the Worker the way a deployment does, into `outdir`: index.js and the modules it imports.
 * @param entry another entry file than that of wrangler.toml, with the same settings
 * @throws UserError with what wrangler printed, when the build fails.
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
  if (code !== 0) throw new UserError(`the Worker does not build:\n${output.trim()}`);
}
