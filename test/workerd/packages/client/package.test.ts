import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { projectPath } from "../../../../scripts/project.ts";
import { type Service, startService } from "../../../support/service.ts";
import { expectClose, readExpected } from "../../../support/tensors.ts";

/**
 * The client as a user of the package has it: packed, installed into an empty project, imported as
 * "@onnxflare/client" by Node, by a Worker and by the TypeScript compiler.
 */

const { resolve } = createRequire(import.meta.url);
const PACKAGE = "@onnxflare/client";
const LARGEST_PACKAGE_BYTES = 100_000;
const MODEL = "iris-logistic";
const expected = readExpected(MODEL);

let folder: string;
/** Where the package was installed. */
let installed: string;
let service: Service;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-package-"));
  installed = join(folder, "node_modules", PACKAGE);
  // npm is a shell script on Windows.
  const pack = ["pack", "--silent", "--pack-destination", folder];
  run("npm", pack, projectPath("packages", "client"), true);
  const [tarball = "none"] = globSync("*.tgz", { cwd: folder });
  writeFileSync(join(folder, "package.json"), "{}");
  const options = ["--offline", "--no-audit", "--no-fund"];
  run("npm", ["install", ...options, join(folder, tarball)], folder, true);
  service = await startService({ models: [MODEL, "language-identification"] });
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service?.dispose();
});

/** The paths of the installed package's files. */
function packedFiles(): string[] {
  return globSync("**/*", { cwd: installed, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function readPackageJson(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
}

test("an empty project gets one package, under 100 KB", () => {
  const lock = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
  expect(Object.keys(lock.packages)).toEqual(["", `node_modules/${PACKAGE}`]);
  const packageJsons = globSync("node_modules/**/package.json", { cwd: folder });
  expect(packageJsons).toEqual([join("node_modules", PACKAGE, "package.json")]);
  const sizes = packedFiles().map((file) => statSync(file).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(LARGEST_PACKAGE_BYTES);
});

test("the package has no dependency, no install script and no side effect", () => {
  const { scripts, ...fields } = readPackageJson();
  const kinds = ["dependencies", "peerDependencies", "optionalDependencies"];
  for (const kind of [...kinds, "bundleDependencies", "bin"])
    expect(fields).not.toHaveProperty(kind);
  for (const script of ["preinstall", "install", "postinstall", "prepare"])
    expect(scripts).not.toHaveProperty(script);
  expect(existsSync(join(installed, "binding.gyp"))).toBe(false);
  expect(fields).toMatchObject({ name: PACKAGE, sideEffects: false, type: "module" });
});

test("the package contains the built client with everything that it imports", () => {
  const { exports } = readPackageJson() as { exports: { ".": Record<string, string> } };
  const files = packedFiles();
  for (const entry of Object.values(exports["."])) expect(files).toContain(join(installed, entry));
  const built = files.filter((file) => file.startsWith(join(installed, "dist")));
  expect(built.filter((file) => !/\.(d\.ts|js)$/.test(file))).toEqual([]);
  const others = files.filter((file) => !built.includes(file));
  expect(others.map((file) => relative(installed, file)).sort()).toEqual([
    "LICENSE",
    "README.md",
    "package.json",
  ]);
  for (const file of built) {
    const isTypes = file.endsWith(".d.ts");
    for (const [, from = ""] of readFileSync(file, "utf8").matchAll(
      /(?:from |import |import\()"([^"]+)"/g,
    )) {
      expect(from).toMatch(/^\.\.?\/[\w./-]+\.[jt]s$/);
      const target = isTypes ? from.replace(/\.[jt]s$/, ".d.ts") : from;
      expect(files).toContain(join(dirname(file), target));
    }
  }
});

/** The results of both encodings, and of an error. */
const PROGRAM = `
  import { createClient, OnnxflareError } from "@onnxflare/client";

  export async function collect(options, inputs) {
    const client = createClient(options);
    const [tensor] = inputs;
    const results = [];
    for (const binary of [true, false]) {
      const data = new Float32Array(tensor.data);
      const { outputs } = await client.infer({
        model: "${MODEL}",
        binary,
        inputs: [{ name: tensor.name, shape: tensor.shape, data }],
      });
      results.push(outputs.map((output) => ({ ...output, data: Array.from(output.data, Number) })));
    }
    const error = await client.modelMetadata("no-such-model").catch((thrown) => thrown);
    const { code, status } = error;
    return { results, error: { known: error instanceof OnnxflareError, code, status } };
  }
`;

interface Report {
  readonly results: readonly {
    name: string;
    datatype: string;
    shape: number[];
    data: number[];
  }[][];
  readonly error: object;
}

function check({ results, error }: Report): void {
  expect(results).toHaveLength(2);
  expect(results[0]).toEqual(results[1]);
  for (const [index, { name, datatype, shape, data }] of expected.outputs.entries()) {
    const output = results[0]?.[index];
    expect(output).toMatchObject({ name, datatype, shape });
    expectClose(output?.data ?? [], data, expected.tolerance[name] ?? 0);
  }
  expect(error).toEqual({ known: true, code: "model_not_found", status: 404 });
}

test("Node imports the package", () => {
  writeFileSync(join(folder, "collect.mjs"), PROGRAM);
  writeFileSync(
    join(folder, "main.mjs"),
    `import { collect } from "./collect.mjs";
     const [baseUrl, inputs] = process.argv.slice(2);
     console.log(JSON.stringify(await collect({ baseUrl }, JSON.parse(inputs))));`,
  );
  const args = ["main.mjs", service.origin, JSON.stringify(expected.inputs)];
  check(JSON.parse(run(process.execPath, args, folder)));
});

test("a Worker imports the package, and calls by fetch and through a service binding", async () => {
  writeFileSync(join(folder, "collect.mjs"), PROGRAM);
  writeFileSync(
    join(folder, "worker.mjs"),
    `import { collect } from "./collect.mjs";
     export default {
       async fetch(request, env) {
         const inputs = await request.json();
         const bound = (url, init) => env.MODELS.fetch(url, init);
         return Response.json([
           await collect({ baseUrl: "${service.origin}" }, inputs),
           await collect({ baseUrl: "http://models", fetch: bound }, inputs),
         ]);
       },
     };`,
  );
  const { compatibility_date } = unstable_readConfig({ config: projectPath("wrangler.toml") });
  const date = compatibility_date ?? "none";
  const args = ["deploy", "worker.mjs", "--dry-run", "--outdir", "bundle"];
  const options = ["--name", "consumer", "--compatibility-date", date];
  run(process.execPath, ["--no-warnings", resolve("wrangler"), ...args, ...options], folder);
  const address = new URL(service.origin).host;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: "consumer",
      compatibilityDate: date,
      modules: [{ type: "ESModule", path: join(folder, "bundle", "worker.js") }],
      modulesRoot: join(folder, "bundle"),
      serviceBindings: { MODELS: { external: { address, http: {} } } },
      cf: false,
    }),
  );
  try {
    const response = await miniflare.dispatchFetch("http://consumer/", {
      method: "POST",
      body: JSON.stringify(expected.inputs),
    });
    const reports = (await response.json()) as Report[];
    expect(reports).toHaveLength(2);
    reports.forEach(check);
  } finally {
    await miniflare.dispose();
  }
});

/** Each example of the pages, with its expected output. */
const EXAMPLES = ["docs/client.md", "packages/client/README.md"]
  .flatMap((page) => [
    ...readFileSync(projectPath(page), "utf8").matchAll(
      /^```ts\n(.*?)^```\n\n```text\n(.*?)^```$/gms,
    ),
  ])
  .map(([, code = "", printed = ""], index) => ({ number: index + 1, code, printed }));

test("the pages have examples", () => {
  expect(EXAMPLES).toHaveLength(6);
});

test.each(EXAMPLES)(
  "example $number of docs/client.md and the package's README prints what it says",
  ({ number, code, printed }) => {
    const file = join(folder, `example-${number}.mts`);
    writeFileSync(file, code.replaceAll("http://127.0.0.1:8787", service.origin));
    expect(run(process.execPath, [file], folder)).toBe(printed);
  },
);

const TYPED = `
  import { createClient, OnnxflareError, type OutputTensor } from "@onnxflare/client";

  const client = createClient({ baseUrl: new URL("https://host"), fetch, timeoutMs: 1000 });
  createClient({ baseUrl: "https://host", fetch: (url, init) => fetch(url, init) });
  client.isReady({ signal: AbortSignal.timeout(1000) });
  // @ts-expect-error: a controller is no signal.
  client.isReady({ signal: new AbortController() });
  const result = await client.infer({
    model: "m",
    inputs: {
      a: new Float32Array(4),
      b: { data: [1, 2n], datatype: "INT64" },
      c: [["text"], ["more"]],
    },
    outputs: ["y", { name: "z", classification: 3 }],
  });
  export const floats: Float32Array = result.output("y", "FP32").data;
  const any: OutputTensor = result.output("y");
  export const big = any.datatype === "INT64" ? any.data[0] === 1n : any.datatype === "BYTES";
  // @ts-expect-error: FP32 is no Int8Array.
  export const wrong: Int8Array = result.output("y", "FP32").data;
  // @ts-expect-error: there is no such datatype.
  client.infer({ model: "m", inputs: { a: { data: [1], datatype: "FLOAT" } } });
  const label = await client.predict<{ label: string }>({ model: "m", inputs: [1] });
  export const seconds = (error: unknown): number | undefined =>
    error instanceof OnnxflareError ? error.retryAfterSeconds : label.label.length;
`;

/** For engines whose types have neither `fetch` nor `URL` nor `AbortSignal`. */
const TYPED_WITHOUT_PLATFORM = `
  import { createClient, type Fetch, OnnxflareError, type OutputTensor } from "@onnxflare/client";

  declare const send: Fetch;
  const client = createClient({ baseUrl: { href: "https://host" }, fetch: send });
  export const ready: boolean = await client.isReady({
    signal: {
      aborted: false,
      reason: undefined,
      throwIfAborted() {},
      addEventListener() {},
      removeEventListener() {},
    },
  });
  // @ts-expect-error: a text is no signal.
  client.isReady({ signal: "stop" });
  const { outputs } = await client.infer({ model: "m", inputs: { a: new Float32Array(4) } });
  export const halves = (output: OutputTensor<"FP16">): Float32Array => output.data;
  export const names: string[] = outputs.map(({ name }) => name);
  export const status = (error: unknown): number | undefined =>
    error instanceof OnnxflareError ? error.status : undefined;
`;

const EXAMPLE_FILES = EXAMPLES.map(({ number }) => `doc-${number}.mts`);
const types = (name: string): string => projectPath("node_modules", name);
/** Libraries are checked too, except for two of other authors. */
const PLATFORMS: Record<string, { files: string[]; options: object }> = {
  "no platform": { files: ["bare.mts"], options: { lib: ["ES2022"], types: [] } },
  browsers: {
    files: ["typed.mts", ...EXAMPLE_FILES],
    options: { lib: ["ES2022", "DOM"], types: [] },
  },
  Node: {
    files: ["typed.mts", ...EXAMPLE_FILES],
    options: { lib: ["ES2022"], types: [types("@types/node")], skipLibCheck: true },
  },
  Workers: {
    files: ["typed.mts", ...EXAMPLE_FILES],
    options: { lib: ["ES2022"], types: [types("@cloudflare/workers-types")], skipLibCheck: true },
  },
};

test.each(
  Object.keys(PLATFORMS).flatMap((platform) => [
    [platform, "nodenext", "nodenext"],
    [platform, "esnext", "bundler"],
  ]),
)(
  "the types of the package compile with those of %s, module %s",
  (platform, module, moduleResolution) => {
    const { files, options } = PLATFORMS[platform] ?? { files: [], options: {} };
    writeFileSync(join(folder, "bare.mts"), TYPED_WITHOUT_PLATFORM);
    writeFileSync(join(folder, "typed.mts"), TYPED);
    for (const { number, code } of EXAMPLES) writeFileSync(join(folder, `doc-${number}.mts`), code);
    const compilerOptions = {
      module,
      moduleResolution,
      target: "es2022",
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      ...options,
    };
    const config = join(folder, "tsconfig.json");
    writeFileSync(config, JSON.stringify({ compilerOptions, files }));
    const tsc = projectPath("node_modules", "typescript", "bin", "tsc");
    expect(run(process.execPath, [tsc, "-p", config], folder)).toBe("");
  },
);

function run(command: string, args: readonly string[], cwd: string, isScript = false): string {
  const shell = isScript && process.platform === "win32";
  const env = { ...process.env, CI: "true", WRANGLER_SEND_METRICS: "false" };
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    shell,
    encoding: "utf8",
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? ""}${stdout}${stderr}`);
}
