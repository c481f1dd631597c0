import { spawn } from "node:child_process";
import { UserError } from "../packages/cli/src/local/user-error.ts";
import { projectFolder } from "./project.ts";

export interface NpmResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the user's npm in the project.
 * @throws UserError when it cannot be started
 */
export function runNpm(args: readonly string[]): Promise<NpmResult> {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", args, {
      cwd: projectFolder,
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", (error) =>
      reject(new UserError(`npm cannot be started (${error.message})`)),
    );
    child.once("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}
