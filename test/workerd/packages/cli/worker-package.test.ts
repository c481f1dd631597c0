import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { createConsumer, packPackage } from "../../../support/packed-package.ts";
import { findModel, publishAs } from "../../../support/publish.ts";
import { startWorkers, type Workers } from "../../../support/workers.ts";

/**
 * The package as its users have it: packed, installed into an empty project, type-checked there, built there by wrangler, and run in
 * workerd: a Worker that has the service in an app of its own, and another one that calls it.
 */

const { resolve } = createRequire(import.meta.url);
const LARGEST_PACKAGE_BYTES = 8_000_000;
const DATE = "2026-11-01";
const ADMIN_KEY = "a-key-for-tests";

const APP = `
import { Hono } from "hono";
import { cors } from "hono/cors";
import { createOnnxflare, KeyAuthority, type OnnxflareEnv, type RequestEvent, type TelemetryEvent } from "onnxflare";

interface Env {
  readonly AI_MODELS: R2Bucket;
  /** Of the app, and of another kind than that of the service. */
  readonly MODELS: string;
  readonly AI_KEY: string;
  readonly AI_KEYS: DurableObjectNamespace<KeyAuthority>;
}

const events: string[] = [];
const toEnv = ({ AI_MODELS, AI_KEY, AI_KEYS }: Env): OnnxflareEnv => ({ MODELS: AI_MODELS, ADMIN_KEY: AI_KEY, KEYS: AI_KEYS });
const onnxflare = createOnnxflare<Env>({
  prefix: "/ai",
  env: toEnv,
  settings: { CATALOG_TTL_SECONDS: 0, EVENT_LOG: "off" },
  onEvent(event: TelemetryEvent) {
    if (event.event !== "request") return;
    const { method, operation, status }: RequestEvent = event;
    events.push([method, operation, status].join(" "));
  },
});

const app = new Hono<{ Bindings: Env }>();
app.use(cors());
app.get("/", (c) => c.text(c.env.MODELS));
app.get("/events", (c) => c.json(events));
app.mount("/ai", onnxflare.fetch);

export const OnnxflareEntrypoint = onnxflare.Entrypoint;
export { KeyAuthority };
export default app;
`;

const CALLER = `
import type { OnnxflareEntrypoint } from "onnxflare";
import { type OnnxflareService, readError, readParts } from "onnxflare/rpc";

interface Env {
  readonly AI: OnnxflareService;
  readonly SAME: Service<OnnxflareEntrypoint>;
}

interface Label {
  readonly label: string;
  readonly score: number;
}

const inputs = [5.1, 3.5, 1.4, 0.2];

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (thrown) {
    const error = readError(thrown);
    return error && [error.code, error.status, error.retryable].join(" ");
  }
}

export default {
  async fetch(_request, { AI, SAME }) {
    const [label] = await AI.predict<Label[]>({ model: "iris-logistic@1", inputs });
    const loose = (await SAME.predict({ model: "iris-logistic", inputs })) as Label[];
    const features = { data: new Float32Array(inputs), shape: [1, 4] };
    const { outputs, version } = await AI.run({ model: "iris-logistic", inputs: { features }, outputs: ["probabilities"] });
    const { probabilities } = outputs;
    const first = probabilities?.datatype === "FP32" ? probabilities.data[0] : undefined;
    let text = "";
    const stream = await AI.stream({ model: "pocket-gpt", inputs: "Once", parameters: { max_new_tokens: 3 } });
    for await (const { token } of readParts<{ token: { text: string } }>(stream)) text += token.text;
    return Response.json({
      label,
      loose: loose[0],
      version,
      first,
      text,
      errors: [
        await codeOf(AI.predict({ model: "no-such-model", inputs })),
        await codeOf(AI.run({ model: "iris-logistic", inputs: { features: new Float64Array(4) } })),
      ],
      page: (await AI.fetch("https://ai.example/ai/v2")).status,
    });
  },
} satisfies ExportedHandler<Env>;
`;

/** The default Worker, as projects of \`init\` have it. */
const DEFAULT = `export * from "onnxflare/worker";\nexport { default } from "onnxflare/worker";\n`;

/** The Tail Worker, with what it may be given. */
const TAIL = `
import { createTail, type TelemetryEvent } from "onnxflare/tail";
const seen: TelemetryEvent[] = [];
export default createTail({ onEvent: (event) => void seen.push(event), settings: { OTLP_SERVICE_NAME: "a" } }) satisfies ExportedHandler;
`;

const SOURCES = { app: APP, caller: CALLER, default: DEFAULT, tail: TAIL };

let tarball: string;
let folder: string;
let installed: string;

beforeAll(async () => {
  tarball = await packPackage();
  folder = createConsumer(tarball, ["hono", "@cloudflare/workers-types"]);
  installed = join(folder, "node_modules", "onnxflare");
  mkdirSync(join(folder, "src"));
  for (const [name, text] of Object.entries(SOURCES))
    writeFileSync(join(folder, "src", `${name}.ts`), text);
});

function run(program: string, args: readonly string[]): { status: number | null; output: string } {
  const env = {
    ...process.env,
    CI: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_WRITE_LOGS: "false",
  };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--no-warnings", program, ...args],
    {
      cwd: folder,
      encoding: "utf8",
      env,
    },
  );
  return { status, output: stdout + stderr };
}

function typeCheck(name: string, options: object, files: readonly string[]): string {
  const compilerOptions = {
    module: "esnext",
    moduleResolution: "bundler",
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    types: ["@cloudflare/workers-types"],
    ...options,
  };
  writeFileSync(join(folder, name), JSON.stringify({ compilerOptions, files }));
  return run(projectPath("node_modules", "typescript", "bin", "tsc"), ["-p", name]).output;
}

test("the package has its licence, its own README and no dependencies", () => {
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  expect(manifest.dependencies).toBeUndefined();
  expect(readFileSync(join(installed, "LICENSE"), "utf8")).toContain("Apache License");
  expect(readFileSync(join(installed, "README.md"), "utf8")).toMatch(/^# onnxflare\n/);
  const notices = readFileSync(join(installed, "dist", "worker", "THIRD-PARTY-NOTICES.md"), "utf8");
  for (const name of ["hono", "onnxruntime-web", "zod"]) expect(notices).toContain(`## ${name} `);
  expect(statSync(tarball).size).toBeLessThan(LARGEST_PACKAGE_BYTES);
});

test("what the package names in its README is in it", () => {
  const readme = readFileSync(join(installed, "README.md"), "utf8");
  const paths = [...readme.matchAll(/`(dist\/[^`]+)`/g)].map(([, path = ""]) => path);
  expect(paths.length).toBeGreaterThan(3);
  for (const path of paths) expect(statSync(join(installed, path)).size, path).toBeGreaterThan(0);
});

test("the code of the package imports nothing but its own files and modules of workerd", () => {
  const worker = join(installed, "dist", "worker");
  const files = globSync("*.js", { cwd: worker });
  expect(files).toEqual(expect.arrayContaining(["index.js", "rpc.js", "tail.js", "worker.js"]));
  for (const file of files) {
    const text = readFileSync(join(worker, file), "utf8");
    const imported = [
      ...text.matchAll(/^(?:import|export)\b[^"\n]*?(?:from )?"([^"]+)";$|\bimport\("([^"]+)"\)/gm),
    ]
      .map(([, first, second]) => first ?? second ?? "")
      .filter((specifier) => !specifier.startsWith("cloudflare:"));
    for (const specifier of imported) {
      expect(specifier, file).toMatch(/^\.\//);
      expect(statSync(join(worker, specifier)).isFile(), `${specifier} of ${file}`).toBe(true);
    }
  }
  // A caller gets nothing of the service.
  expect(statSync(join(worker, "rpc.js")).size).toBeLessThan(20_000);
});

describe("the types of the package", () => {
  const files = Object.keys(SOURCES).map((name) => `src/${name}.ts`);

  test.each([
    [
      "the newest libraries of types",
      {
        lib: ["ESNext"],
        target: "esnext",
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
      },
    ],
    ["older libraries of types", { lib: ["ES2022"], target: "es2022" }],
  ])("fit %s, checked themselves", (_, options) => {
    expect(typeCheck("tsconfig.json", options, files)).toBe("");
  });

  test("refuse wrong names of settings, bindings and fields", () => {
    const wrong = `
      import { createOnnxflare } from "onnxflare";
      import type { OnnxflareService } from "onnxflare/rpc";
      createOnnxflare({ settings: { TIMEOUT: 1 } });
      createOnnxflare<{ readonly A: string }>({ env: ({ A }) => ({ MODELS: A }) });
      export const call = (ai: OnnxflareService) => ai.predict({ model: "a", input: 1 });
      export const run = (ai: OnnxflareService) => ai.run({ model: "a", inputs: { a: "text" } });
    `;
    writeFileSync(join(folder, "src", "wrong.ts"), wrong);
    const output = typeCheck("tsconfig.wrong.json", { lib: ["ESNext"] }, ["src/wrong.ts"]);
    expect([...output.matchAll(/wrong\.ts\((\d+),/g)].map(([, line]) => line)).toEqual([
      "4",
      "5",
      "6",
      "7",
    ]);
  });

  test.each(["docs/library.md", "packages/cli/README.md"])("fit the code in %s", (page) => {
    const text = readFileSync(projectPath(page), "utf8");
    const [head = "", ...others] = [...text.matchAll(/```ts\n(.*?)```/gs)].map(
      ([, code = ""]) => code,
    );
    const imports =
      'import { type OnnxflareService, readError, readParts } from "onnxflare/rpc";\ndeclare const env: { readonly AI: OnnxflareService };\ndeclare const request: Request;\n';
    const names = [head, ...others].map((code, index) => {
      const name = `src/${page.replaceAll(/\W/g, "-")}-${index}.ts`;
      const isModule = /^(?:import|export) /m.test(code);
      writeFileSync(join(folder, name), isModule ? code : `${imports}${code}\nexport {};\n`);
      return name;
    });
    expect(names.length).toBeGreaterThan(2);
    expect(typeCheck("tsconfig.page.json", { lib: ["ESNext"], target: "esnext" }, names)).toBe("");
  });
});

describe("Workers that wrangler builds of the package", () => {
  let workers: Workers;

  function build(name: keyof typeof SOURCES): string {
    const outdir = join(folder, "out", name);
    const config = [
      `name = "${name}"`,
      `main = "src/${name}.ts"`,
      `compatibility_date = "${DATE}"`,
      'compatibility_flags = ["enable_request_signal"]',
    ];
    // Wrangler refuses a binding whose class the entry does not export.
    const keys = { app: "AI_KEYS", default: "KEYS", caller: undefined, tail: undefined }[name];
    if (keys !== undefined)
      config.push(
        "[[durable_objects.bindings]]",
        `name = "${keys}"`,
        'class_name = "KeyAuthority"',
        "[[migrations]]",
        'tag = "key-authority"',
        'new_sqlite_classes = ["KeyAuthority"]',
      );
    writeFileSync(join(folder, `${name}.toml`), `${config.join("\n")}\n`);
    const args = ["deploy", "--config", `${name}.toml`, "--dry-run", "--outdir", outdir];
    const { status, output } = run(resolve("wrangler"), args);
    expect(output).not.toContain("WARNING");
    expect(status, output).toBe(0);
    return outdir;
  }

  const modules = (name: keyof typeof SOURCES): { outdir: string; main: string } => ({
    outdir: build(name),
    main: `${name}.ts`,
  });

  test("may be the Tail Worker, which has nothing of the service", () => {
    const files = globSync("**/*", { cwd: build("tail") });
    expect(files).toContain("tail.js");
    expect(files.filter((file) => /\.(?:wasm|bin|txt)$/.test(file))).toEqual([]);
  });

  beforeAll(async () => {
    const AI = { name: "app", entrypoint: "OnnxflareEntrypoint" };
    const r2Buckets = { AI_MODELS: "models", MODELS: "models" };
    workers = await startWorkers([
      {
        name: "caller",
        code: modules("caller"),
        serviceBindings: { AI, SAME: { ...AI, name: "default" }, APP: "app", DEFAULT: "default" },
        r2Buckets,
      },
      {
        name: "app",
        code: modules("app"),
        bindings: { MODELS: "of the app", AI_KEY: ADMIN_KEY },
        r2Buckets: { AI_MODELS: "models" },
        durableObjects: { AI_KEYS: { className: "KeyAuthority", useSQLite: true } },
      },
      {
        name: "default",
        code: modules("default"),
        bindings: { ADMIN_KEY },
        r2Buckets: { MODELS: "models" },
        workerLoaders: { LOADER: {} },
      },
    ]);
    const bucket = await workers.bucket("MODELS");
    for (const name of ["iris-logistic", "pocket-gpt"]) {
      const model = findModel(name);
      await publishAs(bucket, model, model.manifest);
    }
  });

  afterAll(() => workers?.dispose());

  test("answer one another over RPC", async () => {
    const label = { label: "setosa", score: expect.closeTo(0.976807, 5) };
    expect(await (await fetch(workers.origin)).json()).toEqual({
      label,
      loose: label,
      version: "1",
      first: expect.closeTo(0.976807, 5),
      text: expect.stringMatching(/\w/),
      errors: ["model_not_found 404 false", "invalid_datatype 400 false"],
      page: 200,
    });
  });

  test("have the service below a path of an app", async () => {
    const app = (await workers.miniflare.getWorker("app")) as unknown as { fetch: typeof fetch };
    const at = (path: string): string => `https://app.example${path}`;
    expect(await (await app.fetch(at("/"))).text()).toBe("of the app");
    const body = JSON.stringify({ instances: [[5.1, 3.5, 1.4, 0.2]] });
    const admin = { authorization: `Bearer ${ADMIN_KEY}` };
    const created = await app.fetch(at("/ai/admin/keys"), {
      method: "POST",
      body: JSON.stringify({ name: "of a client", scopes: ["predict"] }),
      headers: admin,
    });
    expect(created.headers.get("location")).toMatch(/^\/ai\/admin\/keys\/\w{12}$/);
    const { key } = (await created.json()) as { key: string };
    const predict = (headers: Record<string, string>) =>
      app.fetch(at("/ai/v1/models/iris-logistic:predict"), { method: "POST", body, headers });
    expect((await predict({})).status).toBe(401);
    const predicted = await predict({ authorization: `Bearer ${key}` });
    expect(await predicted.json()).toMatchObject({ predictions: [{ label: 0 }] });
    expect(predicted.headers.get("access-control-allow-origin")).toBe("*");
    const compressed = await app.fetch(at("/ai/openapi.json"), {
      headers: { "accept-encoding": "gzip" },
    });
    expect(await compressed.json()).toMatchObject({ servers: [{ url: "/ai" }] });
    expect((await app.fetch(at("/ai/admin/models"), { headers: admin })).status).toBe(200);
    expect(await (await app.fetch(at("/events"))).json()).toEqual(
      expect.arrayContaining(["RPC run 200", "RPC predict 404", "POST predictInstances 200"]),
    );
  });

  test("run models that generate in isolates of their own", async () => {
    const service = (await workers.miniflare.getWorker("default")) as unknown as {
      fetch: typeof fetch;
    };
    const body = JSON.stringify({ inputs: "Once", parameters: { max_new_tokens: 2 } });
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", body, headers };
    const response = await service.fetch("https://x/models/pocket-gpt", init);
    expect(await response.json()).toMatchObject([{ generated_text: expect.any(String) }]);
    const admin = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };
    const runtime = await (await service.fetch("https://x/admin/runtime", admin)).json();
    expect(runtime).toMatchObject({ isolates: [{ model: { name: "pocket-gpt" } }] });
  });
});
