import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { runProgram } from "../packages/cli/src/local/run-program.ts";
import { UserError } from "../packages/cli/src/local/user-error.ts";
import { projectPath } from "./project.ts";

/** What the generators of clients are run on and with. */
export interface GeneratedClients {
  /** The file with the Worker's OpenAPI document. */
  readonly document: string;
  readonly origin: string;
  /** The Python of an environment that has openapi-python-client. */
  readonly python: string;
  /** A folder for the generated clients. */
  readonly folder: string;
}

const settings = projectPath("test", "openapi");
const EXPECTED = projectPath("test", "fixtures", "expected");

/**
 * Generates clients of the document with the default settings of openapi-python-client and of openapi-typescript, compiles
 * them, and predicts with each.
 * @throws UserError when a client cannot be generated or compiled, or a prediction is wrong
 */
export async function testGeneratedClients(clients: GeneratedClients): Promise<void> {
  await testPython(clients);
  await testTypeScript(clients);
}

async function testPython({ document, origin, python, folder }: GeneratedClients): Promise<void> {
  const package_ = join(folder, "python-client");
  // Formatters that the generator calls are beside it.
  const path = [dirname(python), process.env.PATH].join(delimiter);
  const output = await run(
    python,
    ["-m", "openapi_python_client", "generate", "--path", document, "--output-path", package_],
    { env: { ...process.env, PATH: path } },
  );
  const problems = output
    .split("\n")
    .filter((line) => /^(?:Unable|Attempted|Invalid|Unsupported|Skipping|Cannot|Error)/.test(line))
    // It has no bodies of other media types; those of JSON, forms and bytes remain.
    .filter((line) => !/^Unsupported content type (?:text|image|audio)\//.test(line));
  if (problems.length > 0)
    throw new UserError(`openapi-python-client left something out:\n${problems.join("\n")}`);
  await run(python, ["-m", "compileall", "-q", package_]);
  const env = { ...process.env, PYTHONPATH: package_, PYTHONDONTWRITEBYTECODE: "1" };
  await run(python, [join(settings, "python_client.py"), origin, EXPECTED], { env });
  console.log("onnxflare: the client of openapi-python-client compiles and predicts");
}

/** In a folder of its own, because the generator needs another version of TypeScript than the project. */
async function testTypeScript({ document, origin }: GeneratedClients): Promise<void> {
  const source = join(settings, "typescript");
  const folder = projectPath("node_modules", ".cache", "onnxflare-openapi", "typescript");
  mkdirSync(folder, { recursive: true });
  for (const name of ["package.json", "package-lock.json", "client.ts"])
    cpSync(join(source, name), join(folder, name));
  await installPackages(folder);
  const bin = (name: string): string => join(folder, "node_modules", name);
  const generator = bin("openapi-typescript/bin/cli.js");
  const options = { cwd: folder };
  await run(process.execPath, [generator, document, "-o", "schema.d.ts"], options);
  const strict = ["--strict", "--skipLibCheck", "false"];
  const target = ["--target", "es2024", "--lib", "es2024,dom", "--module", "nodenext"];
  const types = ["--typeRoots", projectPath("node_modules", "@types"), "--types", "node"];
  const files = ["client.ts", "schema.d.ts"];
  await run(
    process.execPath,
    [bin("typescript/bin/tsc"), ...strict, ...target, ...types, ...files],
    options,
  );
  await run(process.execPath, ["client.js", origin, EXPECTED], options);
  console.log("onnxflare: the client of openapi-typescript compiles and predicts");
}

async function installPackages(folder: string): Promise<void> {
  const stamp = join(folder, "node_modules", ".installed");
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8");
  if (readText(stamp) === lock) return;
  const shell = process.platform === "win32";
  await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder, shell });
  writeFileSync(stamp, lock);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** @throws UserError with the output of a program that fails */
async function run(
  command: string,
  args: readonly string[],
  options: Parameters<typeof runProgram>[2] = {},
): Promise<string> {
  const { code, output } = await runProgram(command, args, options);
  if (code === 0) return output;
  throw new UserError(`${command} ${args.join(" ")} failed:\n${output.trim()}`);
}
