import { execFile } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { parse } from "smol-toml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectFolder, projectPath } from "../../../scripts/project.ts";
import { freePort, portIsFree } from "../../support/ports.ts";
import { type StartProcess, spawnStart } from "../../support/start-process.ts";

/**
 * What somebody has who has no checkout: a packed tarball, npm, and the Node of the machine. Everything else comes from npm, or its cache.
 */
const run = promisify(execFile);
const PATH = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((entry) => !entry.startsWith(projectFolder))
  .join(delimiter);
const NPM = ["--prefer-offline", "--no-audit", "--no-fund"];

let folder: string;
let project: string;
let initialized: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-stranger-"));
  await run(process.execPath, [projectPath("packages", "cli", "scripts", "pack.ts"), folder]);
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  const tools = join(folder, "tools");
  mkdirSync(tools);
  writeFileSync(join(tools, "package.json"), "{}");
  await command(tools, "npm", "install", ...NPM, join("..", tarball));
  initialized = await command(tools, "npx", "onnxflare", "init", join("..", "my-models"));
  project = join(folder, "my-models");
  await command(project, "npm", "install", ...NPM);
  // What is installed is all that is needed.
  rmSync(tools, { recursive: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @returns standard output */
async function command(cwd: string, program: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, args, { cwd, env: environment() });
  return stdout;
}

/** Without what npm and the tests have set for this process. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, PATH };
  for (const name of Object.keys(env))
    if (/^(?:ONNXFLARE_|npm_|NODE_)/.test(name)) delete env[name];
  return env;
}

test("the steps that init prints are those of this test", () => {
  expect(initialized).toContain("\n  npm install\n  npm start\n");
  expect(initialized).toContain("npx onnxflare deploy --set-admin-key");
});

test("the project has the package from the tarball, and nothing of the checkout", () => {
  const { dependencies } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  expect(dependencies.onnxflare).toMatch(/^file:vendor\/onnxflare-\d+\.\d+\.\d+\.tgz$/);
  expect(lstatSync(join(project, "node_modules", "onnxflare")).isSymbolicLink()).toBe(false);
  const files = readdirSync(project, { recursive: true, encoding: "utf8" }).filter(
    (path) => !/^node_modules|\.tgz$/.test(path) && lstatSync(join(project, path)).isFile(),
  );
  for (const path of files)
    expect(readFileSync(join(project, path), "latin1")).not.toContain(projectFolder);
});

test("what the comments and the README refer to is there", () => {
  const texts = ["wrangler.toml", "README.md"].map((name) =>
    readFileSync(join(project, name), "utf8"),
  );
  const named = texts.flatMap((text) => text.match(/node_modules\/onnxflare\/[\w./-]+\w/g) ?? []);
  expect(new Set(named).size).toBeGreaterThanOrEqual(2);
  expect(named.filter((path) => !existsSync(join(project, path)))).toEqual([]);
});

test("wrangler deploys it in a dry run, with every binding", async () => {
  const printed = await command(project, "npx", "wrangler", "deploy", "--dry-run");
  const toml = parse(readFileSync(projectPath("wrangler.toml"), "utf8"));
  const bindings = Object.values(toml).flatMap((tables) =>
    (Array.isArray(tables) ? tables : []).flatMap((table) => Object(table).binding ?? []),
  );
  expect(bindings).toEqual(expect.arrayContaining(["MODELS", "CACHE", "LOADER"]));
  for (const binding of bindings) expect(printed).toContain(`env.${binding}`);
});

test("onnxflare deploys it in a dry run", async () => {
  const printed = await command(project, "npx", "onnxflare", "deploy", "--dry-run");
  expect(printed).toMatch(/^my-models can be deployed: [\d.]+ KiB \/ gzip: [\d.]+ KiB\n$/);
});

test("the application that src/index.ts suggests can be built", async () => {
  const entry = join(project, "src", "index.ts");
  const before = readFileSync(entry, "utf8");
  const suggested = before.match(/^\/\/ {3}.*$/gm) ?? [];
  expect(suggested.length).toBeGreaterThan(5);
  // Of the version that the repository has.
  await command(project, "npm", "install", ...NPM, "--no-save", `hono@${honoVersion()}`);
  writeFileSync(entry, suggested.map((line) => line.slice(5)).join("\n"));
  try {
    expect(await command(project, "npm", "run", "build")).toContain("env.MODELS");
  } finally {
    writeFileSync(entry, before);
  }
});

function honoVersion(): string {
  return JSON.parse(readFileSync(projectPath("package.json"), "utf8")).dependencies.hono;
}

describe("npm start", () => {
  let port: number;
  let running: StartProcess;

  beforeAll(async () => {
    port = await freePort();
    const env = { PATH, PORT: String(port) };
    running = spawnStart(env, "npm start", project);
    await running.line(/^onnxflare serves 1 models on /);
  });

  afterAll(() => running.stop());

  function cli(...args: string[]): Promise<string> {
    return command(project, "npx", "onnxflare", ...args, "--url", `http://127.0.0.1:${port}`);
  }

  test("prints a curl line whose response is the example of the model", async () => {
    const { stdout } = await run("sh", ["-c", await running.line(/^ {2}curl /)]);
    const manifest = join(project, "models", "iris-logistic", "1", "manifest.json");
    const { example } = JSON.parse(readFileSync(manifest, "utf8"));
    expect(JSON.parse(stdout)).toEqual(
      example.output.map((entry: { label: string; score: number }) => ({
        label: entry.label,
        score: expect.closeTo(entry.score, 5),
      })),
    );
  });

  test("the doctor finds nothing wrong", async () => {
    expect(JSON.parse(await cli("doctor", "--json"))).toMatchObject({ ok: true });
  });

  test("a model is published with the key of the project, and predicts", async () => {
    const model = join("models", "iris-logistic", "1", "model.onnx");
    await cli("push", model, "--name", "mine", "--task", "tabular-classification");
    const [first] = JSON.parse(
      await cli("predict", "mine", "--input", "[5.1, 3.5, 1.4, 0.2]", "--json"),
    );
    // scikit-learn's probability of setosa, models/iris-logistic/README.md.
    expect(first.score).toBeCloseTo(0.976807073, 5);
  });

  test("ends with a kill of npm", async () => {
    running.terminate();
    await running.exitCode;
    await portIsFree(port);
  });
});
