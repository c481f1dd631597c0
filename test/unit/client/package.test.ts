import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { projectPath } from "../../../scripts/project.ts";
import { type Service, startService } from "../../support/service.ts";
import { expectClose, readExpected } from "../../support/tensors.ts";

/**
 * The client as a user of the package has it: packed, put into a `node_modules` that holds nothing
 * else, imported as "onnxflare/client" by Node, by a Worker and by the TypeScript compiler.
 */

const { resolve } = createRequire(import.meta.url);
const MODEL = "iris-logistic";
const expected = readExpected(MODEL);

let folder: string;
let service: Service;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-package-"));
  const installed = join(folder, "node_modules", "onnxflare");
  mkdirSync(installed, { recursive: true });
  // npm is a shell script on Windows.
  run("npm", ["pack", "--silent", "--pack-destination", folder], projectPath(), true);
  const [tarball = "none"] = globSync("*.tgz", { cwd: folder });
  run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"], folder);
  service = await startService({ models: [MODEL, "language-identification"] });
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service?.dispose();
});

test("the package holds the built client, and nothing that it imports is outside", () => {
  const root = join(folder, "node_modules", "onnxflare");
  const files = globSync("**/*.*", { cwd: root }).map((file) => file.replaceAll("\\", "/"));
  expect(files).toContain("dist/client/client/client.js");
  expect(files).toContain("dist/client/client/client.d.ts");
  expect(
    files.filter((file) => !/^dist\/client\/|^package\.json$|^[A-Z]+(\.md)?$/.test(file)),
  ).toEqual([]);
  for (const file of files.filter((name) => name.endsWith(".js"))) {
    const text = readFileSync(join(root, file), "utf8");
    for (const [, from] of text.matchAll(/(?:from|import) "([^"]+)"/g))
      expect(from).toMatch(/^\.\.?\/[\w./-]+\.js$/);
  }
});

/** Prints or answers what both encodings give, as JSON. */
const PROGRAM = `
  import { createClient, OnnxflareError } from "onnxflare/client";

  export async function ask(options, inputs) {
    const client = createClient(options);
    const [tensor] = inputs;
    const answers = [];
    for (const binary of [true, false]) {
      const data = new Float32Array(tensor.data);
      const { outputs } = await client.infer({
        model: "${MODEL}",
        binary,
        inputs: [{ name: tensor.name, shape: tensor.shape, data }],
      });
      answers.push(outputs.map((output) => ({ ...output, data: Array.from(output.data, Number) })));
    }
    const error = await client.modelMetadata("no-such-model").catch((thrown) => thrown);
    const { code, status } = error;
    return { answers, error: { known: error instanceof OnnxflareError, code, status } };
  }
`;

interface Told {
  readonly answers: readonly {
    name: string;
    datatype: string;
    shape: number[];
    data: number[];
  }[][];
  readonly error: object;
}

function check({ answers, error }: Told): void {
  expect(answers).toHaveLength(2);
  expect(answers[0]).toEqual(answers[1]);
  for (const [index, { name, datatype, shape, data }] of expected.outputs.entries()) {
    const answered = answers[0]?.[index];
    expect(answered).toMatchObject({ name, datatype, shape });
    expectClose(answered?.data ?? [], data, expected.tolerance[name] ?? 0);
  }
  expect(error).toEqual({ known: true, code: "model_not_found", status: 404 });
}

test("Node imports it", () => {
  writeFileSync(join(folder, "ask.mjs"), PROGRAM);
  writeFileSync(
    join(folder, "main.mjs"),
    `import { ask } from "./ask.mjs";
     const [baseUrl, inputs] = process.argv.slice(2);
     console.log(JSON.stringify(await ask({ baseUrl }, JSON.parse(inputs))));`,
  );
  const args = ["main.mjs", service.origin, JSON.stringify(expected.inputs)];
  check(JSON.parse(run(process.execPath, args, folder)));
});

test("a Worker imports it, and asks by fetch and through a service binding", async () => {
  writeFileSync(join(folder, "ask.mjs"), PROGRAM);
  writeFileSync(
    join(folder, "worker.mjs"),
    `import { ask } from "./ask.mjs";
     export default {
       async fetch(request, env) {
         const inputs = await request.json();
         const bound = (url, init) => env.MODELS.fetch(url, init);
         return Response.json([
           await ask({ baseUrl: "${service.origin}" }, inputs),
           await ask({ baseUrl: "http://models", fetch: bound }, inputs),
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
    const told = (await response.json()) as Told[];
    expect(told).toHaveLength(2);
    told.forEach(check);
  } finally {
    await miniflare.dispose();
  }
});

/** Each example, with what it prints behind it. */
const EXAMPLES = [
  ...readFileSync(projectPath("docs", "client.md"), "utf8").matchAll(
    /^```ts\n(.*?)^```\n\n```text\n(.*?)^```$/gms,
  ),
].map(([, code = "", printed = ""], index) => ({ number: index + 1, code, printed }));

test("docs/client.md has examples", () => {
  expect(EXAMPLES).toHaveLength(4);
});

test.each(EXAMPLES)(
  "example $number of docs/client.md prints what it says",
  ({ number, code, printed }) => {
    const file = join(folder, `example-${number}.mts`);
    writeFileSync(file, code.replaceAll("http://127.0.0.1:8787", service.origin));
    expect(run(process.execPath, [file], folder)).toBe(printed);
  },
);

/** Without `skipLibCheck`, and for engines whose types have no Float16Array. */
const TYPED = `
  import { createClient, OnnxflareError, type OutputTensor } from "onnxflare/client";

  const client = createClient({ baseUrl: new URL("https://host"), fetch, timeoutMs: 1000 });
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

test.each([
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
])("TypeScript knows its types with module %s", (module, moduleResolution) => {
  writeFileSync(join(folder, "typed.mts"), TYPED);
  const compilerOptions = {
    module,
    moduleResolution,
    target: "es2022",
    lib: ["es2022", "dom"],
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
  };
  const config = join(folder, "tsconfig.json");
  for (const { number, code } of EXAMPLES) writeFileSync(join(folder, `doc-${number}.mts`), code);
  const files = ["typed.mts", ...EXAMPLES.map(({ number }) => `doc-${number}.mts`)];
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const tsc = projectPath("node_modules", "typescript", "bin", "tsc");
  expect(run(process.execPath, [tsc, "-p", config], folder)).toBe("");
});

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
