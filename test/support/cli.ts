import { type ChildProcess, spawn } from "node:child_process";
import { projectPath } from "../../scripts/project.ts";

/** A command line that has ended. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as one JSON document. */
  json<T = unknown>(): T;
  /** Standard output as lines of JSON. */
  lines(): unknown[];
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** By default a folder above which there is no configuration. */
  readonly cwd?: string;
  /** Standard input; by default it is empty. */
  readonly input?: string | Uint8Array;
}

/** A command line that runs, in a process group of its own, as in a terminal. */
export interface CliProcess {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** To every process of the group. */
  signal(signal: NodeJS.Signals): void;
}

const MAIN = projectPath("packages", "cli", "src", "main.ts");

/** Starts the command line as a process, without what the environment of the tests sets for it. */
export function startCli(args: readonly string[], options: CliOptions = {}): CliProcess {
  const { env = {}, cwd = "/", input = "" } = options;
  const environment = { ...process.env };
  for (const name of Object.keys(environment))
    if (/^(?:ONNXFLARE_|NO_COLOR|FORCE_COLOR)/.test(name)) delete environment[name];
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { ...environment, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // A command that reads nothing may end before.
  child.stdin.on("error", () => undefined).end(input);
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      resolve({
        code,
        stdout,
        stderr,
        json: <T>() => JSON.parse(stdout) as T,
        lines: () =>
          stdout
            .trimEnd()
            .split("\n")
            .map((line) => JSON.parse(line)),
      }),
    );
  });
  return {
    child,
    result,
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (signal) => {
      const isRunning = child.exitCode === null && child.signalCode === null;
      if (child.pid !== undefined && isRunning) process.kill(-child.pid, signal);
    },
  };
}

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).result;
}
