import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { UserError } from "../packages/cli/src/local/user-error.ts";

/** Where packages of systems install a browser that is Chromium; the program itself before its script. */
const PATHS = [
  "/usr/lib/chromium/chromium",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/**
 * The Chromium that CHROMIUM names, or an installed one; installs that of Debian where there is none and it may.
 * @throws UserError
 */
export function findChromium(report: (line: string) => void): string {
  const { CHROMIUM: given } = process.env;
  if (given) {
    if (existsSync(given)) return given;
    throw new UserError(`CHROMIUM names ${given}, which does not exist`);
  }
  const found = PATHS.find(existsSync) ?? install(report);
  if (found) return found;
  throw new UserError(
    "there is no Chromium; install it (on Debian: apt-get install chromium), or name one by the variable CHROMIUM",
  );
}

function install(report: (line: string) => void): string | undefined {
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).error) return undefined;
  report("installing the Debian package chromium ...");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-q"],
    ["install", "-y", "-q", "--no-install-recommends", "chromium"],
  ]) {
    const { status } = spawnSync("apt-get", args, { env, stdio: ["ignore", 2, 2] });
    if (status !== 0) return undefined;
  }
  return PATHS.find(existsSync);
}
