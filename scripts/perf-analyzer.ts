import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../packages/cli/src/local/run-program.ts";
import { lastLine, unpackDebianPackages } from "./debian-packages.ts";
import { PIP_INSTALL } from "./python-environment.ts";

const VERSION = "2.60.0";
/** The glibc that the program requires; on older systems Debian 13's libraries are downloaded. */
const GLIBC = "2.38";
const DEBIAN = { suite: "trixie", packages: ["libc6", "libstdc++6", "libgcc-s1"] };

/** The program with its first arguments, or the reason why it cannot run on this machine. */
export type PerfAnalyzer = { readonly command: readonly string[] } | { readonly missing: string };

/**
 * Installs perf_analyzer from PyPI into a folder.
 * @param python a Python with pip
 */
export async function preparePerfAnalyzer(folder: string, python: string): Promise<PerfAnalyzer> {
  if (process.env.PERF_ANALYZER) return { command: [process.env.PERF_ANALYZER] };
  if (process.platform !== "linux" || process.arch !== "x64")
    return { missing: "perf_analyzer is published only for Linux on x86-64" };
  const target = join(folder, VERSION);
  const program = join(target, "perf_analyzer", "bin", "perf_analyzer");
  if (!existsSync(program)) {
    // With an explicit platform: for an older glibc pip would select 0.1.0, an empty placeholder.
    const platform = `manylinux_${GLIBC.replace(".", "_")}_x86_64`;
    const binary = ["--only-binary", ":all:", "--platform", platform, "--no-deps"];
    const args = [...PIP_INSTALL, ...binary, "--target", target, `perf-analyzer==${VERSION}`];
    const { code, output } = await runProgram(python, args);
    if (code !== 0) return { missing: `perf_analyzer cannot be installed: ${lastLine(output)}` };
    chmodSync(program, 0o755);
  }
  const installed = glibcVersion();
  if (isAtLeast(installed, GLIBC)) return { command: [program] };
  const libraries = join(folder, DEBIAN.suite);
  const loader = join(libraries, "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
  if (!existsSync(loader)) {
    const problem = await unpackDebianPackages(libraries, DEBIAN.suite, DEBIAN.packages);
    if (problem)
      return {
        missing: `perf_analyzer requires glibc ${GLIBC}, this system has ${installed}; ${problem}`,
      };
  }
  return { command: [loader, "--library-path", join(loader, ".."), program] };
}

function glibcVersion(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ?? "none";
}

function isAtLeast(version: string, required: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [requiredMajor = 0, requiredMinor = 0] = required.split(".").map(Number);
  return major > requiredMajor || (major === requiredMajor && minor >= requiredMinor);
}
