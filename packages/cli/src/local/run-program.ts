import { type SpawnOptions, spawn } from "node:child_process";
import { UserError } from "./user-error.ts";

/**
 * Runs a program and waits for its exit; it is killed when this process exits.
 * @returns its exit code, and its output unless `stdio` is set
 * @throws UserError when it cannot be started
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<{ code: number; output: string }> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const stop = (): boolean => child.kill();
  process.once("exit", stop);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  try {
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once("error", reject).once("close", resolve),
    );
    return { code: code ?? 1, output };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "is not installed" : error;
    throw new UserError(`${command} ${why}`);
  } finally {
    process.off("exit", stop);
  }
}
