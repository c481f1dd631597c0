import { spawn } from "node:child_process";
import { projectFolder } from "../scripts/project.ts";

export interface ChildOptions {
  /** Added to the environment; `undefined` takes a variable away. */
  readonly env?: Record<string, string | undefined>;
  readonly input?: string;
}

/**
 * Runs a program in a Node process of its own, which ends with this one.
 * @returns its standard output
 * @throws Error with what the program printed, when it fails
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
  // A child that ends early closes its input; what it printed says why.
  child.stdin.on("error", () => undefined).end(input);
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  process.off("exit", stop);
  if (code === 0) return output.stdout;
  throw new Error(`node ${args.join(" ")} failed:\n${output.stdout}${output.stderr}`.trim());
}
