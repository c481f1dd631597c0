import { spawn } from "node:child_process";
import { type WorkerProject, wranglerProgram } from "../local/worker-project.ts";
import { wranglerFailure } from "./wrangler-failure.ts";

export interface WranglerRun {
  readonly code: number;
  readonly stdout: string;
  /** Standard output and standard error, without colours. */
  readonly output: string;
}

/** The commands of the project's wrangler, which ask nothing. */
export interface Wrangler {
  /** @throws CliError with the output and the remedy, unless the exit code is 0 */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<WranglerRun>;
  /** For a command whose failure is an answer. */
  tryRun(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<WranglerRun>;
}

// CI: no prompts and no update check.
const QUIET = { CI: "true", WRANGLER_SEND_METRICS: "false", FORCE_COLOR: "0", NO_COLOR: "1" };

export function createWrangler(project: WorkerProject, signal: AbortSignal): Wrangler {
  const program = wranglerProgram(project);
  const tryRun: Wrangler["tryRun"] = async (args, env = {}) => {
    const child = spawn(
      process.execPath,
      ["--no-warnings", program, ...args, "--config", project.configFile],
      {
        cwd: project.folder,
        env: { ...process.env, ...QUIET, ...env },
        stdio: ["ignore", "pipe", "pipe"],
        signal,
      },
    );
    let stdout = "";
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once("error", reject).once("close", resolve),
    );
    return { code: code ?? 1, stdout: plain(stdout), output: plain(output) };
  };
  return {
    tryRun,
    run: async (args, env) => {
      const run = await tryRun(args, env);
      if (run.code !== 0) throw wranglerFailure(args, run.output);
      return run;
    },
  };
}

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours are made of
  return text.replaceAll(/\u001b\[[\d;]*m/g, "");
}
