import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import packageJson from "../../package.json" with { type: "json" };
import { projectFolder } from "../../scripts/project.ts";

/** A start in its own process group, as in a terminal. */
export interface StartProcess {
  /** Resolves with the first line that matches, already printed or not; rejects if the process ends before. */
  line(pattern: RegExp): Promise<string>;
  /** Everything printed so far, standard output and standard error. */
  output(): string;
  /** What Ctrl-C does: the signal reaches every process of the group. */
  interrupt(): void;
  /** What `kill` does: the signal reaches the first process only. */
  terminate(): void;
  /** Ends every process of the group at once, as the system does when memory runs out. */
  kill(): void;
  /** Interrupts it if it still runs, and waits for its end. */
  stop(): Promise<void>;
  /** The exit code, once every process that could print has ended. */
  exitCode: Promise<number | null>;
}

/** @param commandLine by default what `npm start` runs, without npm: its exit code hides the one below. */
export function spawnStart(
  env: Record<string, string>,
  commandLine = packageJson.scripts.start,
  cwd = projectFolder,
): StartProcess {
  const [command = "", ...args] = commandLine.split(" ");
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let ended = false;
  const wake = (): void => {
    for (const check of waiting) check();
  };
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on("line", (line) => {
      lines.push(line);
      wake();
    });
  const exitCode = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      ended = true;
      wake();
      resolve(code);
    });
  });
  const output = (): string => lines.join("\n");
  return {
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const line = lines.find((candidate) => pattern.test(candidate));
          if (line === undefined && !ended) return;
          waiting.delete(check);
          if (line === undefined) reject(new Error(`no line ${pattern} in:\n${output()}`));
          else resolve(line);
        };
        waiting.add(check);
        check();
      }),
    output,
    interrupt: () => signalGroup(child, "SIGINT"),
    terminate: () => void child.kill("SIGTERM"),
    kill: () => signalGroup(child, "SIGKILL"),
    stop: async () => {
      if (!ended) signalGroup(child, "SIGINT");
      await exitCode;
    },
    exitCode,
  };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined) process.kill(-pid, signal);
}
