import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { UserError } from "../packages/cli/src/local/user-error.ts";
import { unpackDebianPackages } from "./debian-packages.ts";

/** Of Debian 12: promtool 2.42. */
const DEBIAN = { suite: "bookworm", packages: ["prometheus"] };

/**
 * The path of promtool: that of PROMTOOL, or of PATH, or of Debian's package, which is unpacked into a folder.
 * @throws UserError when there is none for this machine
 */
export async function preparePromtool(folder: string): Promise<string> {
  const { PROMTOOL, PATH = "" } = process.env;
  if (PROMTOOL) return PROMTOOL;
  const installed = PATH.split(delimiter)
    .map((each) => join(each, "promtool"))
    .find(existsSync);
  if (installed) return installed;
  const unpacked = join(folder, DEBIAN.suite);
  const promtool = join(unpacked, "usr/bin/promtool");
  if (existsSync(promtool)) return promtool;
  const problem =
    process.platform === "linux" && process.arch === "x64"
      ? await unpackDebianPackages(unpacked, DEBIAN.suite, DEBIAN.packages)
      : "it is downloaded for Linux on x86-64 only";
  if (problem)
    throw new UserError(
      `promtool is missing (${problem}): install Prometheus, https://prometheus.io/download, or set PROMTOOL to its path`,
    );
  return promtool;
}
