import { existsSync, globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../packages/cli/src/local/run-program.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Downloads and unpacks packages of Debian, signed by a key that Debian 12 has too; needs no privileges and
 * installs nothing.
 * @param suite of Debian, such as `trixie`
 * @returns the problem, or `undefined` on success
 */
export async function unpackDebianPackages(
  folder: string,
  suite: string,
  packages: readonly string[],
): Promise<string | undefined> {
  if (!existsSync(KEYRING)) return "it is downloaded on Debian only";
  rmSync(folder, { recursive: true, force: true });
  const apt = join(folder, "apt");
  for (const name of ["sources", "lists/partial", "cache/archives/partial"])
    mkdirSync(join(apt, name), { recursive: true });
  writeFileSync(
    join(apt, "sources", "debian.sources"),
    [
      "Types: deb",
      "URIs: http://deb.debian.org/debian",
      `Suites: ${suite}`,
      "Components: main",
      "Architectures: amd64",
      `Signed-By: ${KEYRING}`,
      "",
    ].join("\n"),
  );
  const options = [
    ["-o", "Dir::Etc::sourcelist=/dev/null"],
    ["-o", `Dir::Etc::sourceparts=${join(apt, "sources")}`],
    ["-o", `Dir::State::lists=${join(apt, "lists")}`],
    ["-o", `Dir::Cache=${join(apt, "cache")}`],
  ].flat();
  for (const args of [["update"], ["download", ...packages]]) {
    const { code, output } = await runProgram("apt-get", [...options, ...args], { cwd: apt });
    if (code !== 0) return `apt-get failed: ${lastLine(output)}`;
  }
  for (const file of globSync("*.deb", { cwd: apt })) {
    const { code, output } = await runProgram("dpkg-deb", ["-x", join(apt, file), folder]);
    if (code !== 0) return `dpkg-deb failed: ${lastLine(output)}`;
  }
  rmSync(apt, { recursive: true });
  return undefined;
}

export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
