import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runProgram } from "../packages/cli/src/local/run-program.ts";
import { UserError } from "../packages/cli/src/local/user-error.ts";

const OLDEST_MINOR = 11;
/** kserve 0.21 does not support newer ones. */
const NEWEST_MINOR = 13;

/**
 * Creates a virtual environment with exactly these packages, or reuses the existing one when
 * nothing has changed.
 * @param report called with one line when packages are installed, which takes one to two minutes
 * @returns the path of its Python
 * @throws UserError when no Python 3.11 to 3.13 is found, or pip fails
 */
export async function preparePython(
  folder: string,
  requirementsFile: string,
  report: (line: string) => void,
): Promise<string> {
  const python = await findPython();
  const digest = createHash("sha256").update(readFileSync(requirementsFile));
  const stamp = digest.update(python.version).digest("hex");
  const stampFile = join(folder, "installed");
  const windows = process.platform === "win32";
  const ownPython = windows ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return ownPython;
  report("installing Python packages (repeated only when requirements.txt changes) ...");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  await check(python.command, ["-m", "venv", folder]);
  await check(ownPython, [...PIP_INSTALL, "-r", requirementsFile]);
  writeFileSync(stampFile, stamp);
  return ownPython;
}

export const PIP_INSTALL = [
  ...["-m", "pip", "install"],
  ...["--quiet", "--no-input", "--disable-pip-version-check"],
];

async function findPython(): Promise<{ command: string; version: string }> {
  const command = process.env.PYTHON || (process.platform === "win32" ? "python" : "python3");
  const required = `Python 3.${OLDEST_MINOR} to 3.${NEWEST_MINOR} is required`;
  const remedy = "; set PYTHON to its path";
  const { code, output } = await runProgram(command, ["--version"]).catch((error: unknown) => {
    throw new UserError(`${required}, but ${(error as Error).message}${remedy}`);
  });
  const [version = ""] = output.trim().split("\n");
  const minor = Number(/^Python 3\.(\d+)\./.exec(version)?.[1]);
  if (code === 0 && minor >= OLDEST_MINOR && minor <= NEWEST_MINOR) return { command, version };
  throw new UserError(`${required}, but ${command} is ${version || "not Python"}${remedy}`);
}

async function check(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await runProgram(command, args);
  if (code !== 0) throw new UserError(`${command} ${args.join(" ")} failed:\n${output.trim()}`);
}
