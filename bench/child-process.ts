import { spawn } from "node:child_process";
import { projectFolder } from "../scripts/project.ts";

export interface ChildOptions {
  /** Added to the environment; `undefined` removes a variable. */
  readonly env?: Record<string, string | undefined>;
  readonly input?: string;
}

/**
 * Runs a program in a separate Node process, which is killed when this process exits.
 * @returns its standard output
 * @throws Error with the program's output, when its exit code is not 0
 */
export async function runNode(
  args: readonly string[],
  { env = {}, input = "" }: ChildOptions = {},
): Promise<string> {
  const child = spawn(process.execPath, args, {
    cwd: projectFolder,
    env: { ...process.env, ...env },
    stdio: "pipe",
  });
  const stop = (): boolean => child.kill();
  process.once("exit", stop);
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  // A child that exits early closes its input; its output contains the reason.
  child.stdin.on("error", () => undefined).end(input);
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  process.off("exit", stop);
  if (code === 0) return output.stdout;
  throw new Error(`node ${args.join(" ")} failed:\n${output.stdout}${output.stderr}`.trim());
}
