import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectPath } from "./project.ts";

/**
 * Builds the WebAssembly modules of `src/runtime/kernels` from their C sources, by the Zig compiler as its Python package has it,
 * and writes the digests of both, which a test compares. Wants Python 3 with pip. Run it after a change of a source: `npm run kernels`.
 */
const COMPILER = "ziglang==0.17.1";
const FOLDER = projectPath("src", "runtime", "kernels");
const NAME = "quantized-matmul";
/** They share the engine's memory, which is a shared one of up to 4 GiB. */
const FEATURES =
  "generic+simd128+relaxed_simd+bulk_memory+sign_ext+nontrapping_fptoint+mutable_globals+atomics";

const work = mkdtempSync(join(tmpdir(), "onnxflare-kernels-"));
try {
  const packages = join(work, "packages");
  run("python3", ["-m", "pip", "install", "--quiet", "--no-deps", "--target", packages, COMPILER]);
  const zig = join(packages, "ziglang", "zig");
  const source = join(FOLDER, `${NAME}.c`);
  const object = join(work, `${NAME}.o`);
  const output = join(FOLDER, `${NAME}.wasm`);
  const options = [
    "-O3",
    "-g0",
    "-ffreestanding",
    "-fno-sanitize=all",
    "-Wall",
    "-Wextra",
    "-Werror",
  ];
  const target = ["-target", "wasm32-freestanding", `-mcpu=${FEATURES}`];
  run(zig, ["cc", ...target, ...options, "-c", "-o", object, source]);
  const memory = ["--import-memory", "--shared-memory", "--max-memory=4294967296"];
  run(zig, ["wasm-ld", "--no-entry", "--strip-all", ...memory, "-o", output, object]);
  const built = {
    compiler: COMPILER.replace("==", " "),
    [`${NAME}.c`]: digest(source),
    [`${NAME}.wasm`]: digest(output),
  };
  writeFileSync(join(FOLDER, `${NAME}.json`), `${JSON.stringify(built, null, 2)}\n`);
  console.log(`${output}: ${readFileSync(output).byteLength} bytes`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function run(command: string, parameters: readonly string[]): void {
  execFileSync(command, parameters, { stdio: "inherit" });
}

function digest(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
