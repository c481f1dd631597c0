import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { parse } from "smol-toml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scanModelFolder } from "../../../../../packages/cli/src/local/model-folder.ts";
import { initProject } from "../../../../../packages/cli/src/project/init-project.ts";
import { projectPath } from "../../../../../scripts/project.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-init-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function init(name: string, options: { models?: "iris-logistic" | "none"; from?: string } = {}) {
  const { models = "iris-logistic", from = "0.1.0" } = options;
  return initProject({ target: join(folder, name), models, from }, () => undefined);
}

const read = (...path: string[]): string => readFileSync(join(folder, ...path), "utf8");

test("a project has its own name, bucket and key, and the versions of the repository", () => {
  const { files } = init("my-models");
  expect(files).toEqual([
    ".dev.vars",
    ".gitignore",
    "README.md",
    "models/iris-logistic/1/background.json",
    "models/iris-logistic/1/manifest.json",
    "models/iris-logistic/1/model.onnx",
    "models/iris-logistic/1/profile.json",
    "onnxflare.json",
    "package.json",
    "src/index.ts",
    "src/tail.ts",
    "wrangler.tail.toml",
    "wrangler.toml",
  ]);
  expect(parse(read("my-models", "wrangler.tail.toml"))).toMatchObject({
    name: "my-models-tail",
    main: "src/tail.ts",
    durable_objects: { bindings: [{ name: "METRICS", script_name: "my-models" }] },
  });
  expect(read("my-models", "wrangler.tail.toml")).toContain('service = "my-models-tail"');
  expect(parse(read("my-models", "wrangler.toml"))).toMatchObject({
    name: "my-models",
    main: "src/index.ts",
    r2_buckets: [{ binding: "MODELS", bucket_name: "my-models-models" }],
  });
  const { devDependencies } = JSON.parse(readFileSync(projectPath("package.json"), "utf8"));
  expect(JSON.parse(read("my-models", "package.json"))).toMatchObject({
    name: "my-models",
    dependencies: { onnxflare: "0.1.0" },
    devDependencies: { node: devDependencies.node, wrangler: devDependencies.wrangler },
  });
  expect(read("my-models", "README.md")).toMatch(/^# my-models\n/);
  expect(scanModelFolder(join(folder, "my-models", "models"))).toMatchObject({
    models: [{ manifest: { name: "iris-logistic", version: "1" } }],
    problems: [],
  });
});

test("each project has a key of its own, which only its owner can read and git does not", () => {
  const keys = ["first", "second"].map((name) => {
    init(name);
    return parseEnv(read(name, ".dev.vars")).ADMIN_KEY;
  });
  expect(keys).toEqual([
    expect.stringMatching(/^of_admin_[\w-]{32}$/),
    expect.stringMatching(/^of_admin_[\w-]{32}$/),
  ]);
  expect(keys[0]).not.toBe(keys[1]);
  expect(statSync(join(folder, "first", ".dev.vars")).mode & 0o777).toBe(0o600);
  expect(read("first", ".gitignore").split("\n")).toContain(".dev.vars*");
});

test("a project without models has the folder for them", () => {
  const { files } = init("none", { models: "none" });
  expect(files.filter((path) => path.startsWith("models/"))).toEqual(["models/.gitkeep"]);
});

test("a project keeps the tarball that it has the package from", () => {
  const tarball = join(folder, "onnxflare-9.9.9.tgz");
  writeFileSync(tarball, "packed");
  expect(init("packed", { from: tarball }).onnxflare).toBe("file:vendor/onnxflare-9.9.9.tgz");
  expect(read("packed", "vendor", "onnxflare-9.9.9.tgz")).toBe("packed");
  expect(JSON.parse(read("packed", "package.json")).dependencies).toEqual({
    onnxflare: "file:vendor/onnxflare-9.9.9.tgz",
  });
});

test.each([
  "My-Models",
  "1st",
  "-a",
  "a-",
  "a_b",
  "a.b",
  "a b",
  "é",
  "a".repeat(56),
  "onnxflare",
  "wrangler",
])("the name %s is refused", (name) => {
  expect(() => init(name)).toThrow(/is no name of a project/);
  expect(readdirSync(folder)).not.toContain(name);
});

test("a tarball that does not exist is refused, and nothing is written", () => {
  expect(() => init("missing", { from: join(folder, "missing.tgz") })).toThrow(
    /--from: there is no file .*missing\.tgz/,
  );
  expect(readdirSync(folder)).not.toContain("missing");
});

test("a folder that has something in it is left as it is", () => {
  mkdirSync(join(folder, "full"));
  writeFileSync(join(folder, "full", "notes.txt"), "");
  expect(() => init("full")).toThrow(/full is not empty: it has notes.txt/);
  expect(readdirSync(join(folder, "full"))).toEqual(["notes.txt"]);
});

test("a file in the place of the folder is refused", () => {
  writeFileSync(join(folder, "a-file"), "");
  expect(() => init("a-file")).toThrow(/a-file exists and is no folder/);
});

test("a folder with a repository and nothing else in it is empty", () => {
  mkdirSync(join(folder, "cloned", ".git"), { recursive: true });
  expect(init("cloned").files).toContain("wrangler.toml");
});
