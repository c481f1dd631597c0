import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, runCli } from "../../support/cli.ts";
import { type CloudflareApi, startCloudflareApi } from "../../support/cloudflare-api.ts";
import { type Service, startService } from "../../support/service.ts";
import { createProject, type TemporaryProject } from "../../support/temporary-project.ts";

/**
 * The real wrangler deploys, to a simulation of Cloudflare's API: an account cannot be had here. What the account refuses is what a test says
 * that it refuses, and the Worker's address is that of a local server.
 */
const WORKER = `import { DurableObject } from "cloudflare:workers";
export class KeyAuthority extends DurableObject {}
export class MetricsCollector extends DurableObject {}
export default { fetch: () => new Response("deployed") };
`;

let folder: string;
let api: CloudflareApi;
let service: Service;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-deploy-"));
  [api, service] = await Promise.all([startCloudflareApi(), startService({ models: [] })]);
});

afterEach(() => api.acceptAll());

afterAll(async () => {
  await Promise.all([api.close(), service.dispose()]);
  rmSync(folder, { recursive: true, force: true });
});

function deploy({ folder: cwd }: TemporaryProject, ...args: string[]): Promise<CliResult> {
  const url = ["--url", service.origin];
  return runCli(["deploy", ...url, ...args], { cwd, env: api.env });
}

interface Deployed {
  readonly created: string[];
  readonly adminKey?: string;
  readonly hasAdminKey: boolean;
  readonly next: string[];
}

describe("the deployments of one project", () => {
  let project: TemporaryProject;
  let first: Deployed;

  beforeAll(async () => {
    project = createProject(folder, "my-models", WORKER);
    const { code, stderr, json } = await deploy(project, "--set-admin-key", "--json");
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: [
        "deploying my-models ...",
        "created the R2 bucket my-models-models",
        "created the KV namespace my-models-CACHE",
        "wrote the id of my-models-CACHE into wrangler.toml",
        "",
      ].join("\n"),
    });
    first = json<Deployed>();
  });

  test("the first creates the bucket, the namespace and the key, and says how to go on", () => {
    expect(first).toMatchObject({
      name: "my-models",
      url: service.origin,
      created: ["my-models-models", "my-models-CACHE"],
      hasAdminKey: true,
    });
    expect(api.buckets).toContain("my-models-models");
    expect(api.workers.get("my-models")).toEqual({ ADMIN_KEY: first.adminKey });
    expect(first.adminKey).toMatch(/^of_admin_[\w-]{32}$/);
    expect(first.next).toEqual([
      `export ONNXFLARE_URL=${service.origin} ONNXFLARE_KEY=${first.adminKey}`,
      "npx onnxflare push models/iris-logistic/1 --name iris-logistic",
    ]);
  });

  test("the id of the namespace is in wrangler.toml, of which nothing else has changed", () => {
    const [namespace] = api.namespaces;
    const toml = readFileSync(project.path("wrangler.toml"), "utf8");
    expect(parse(toml)).toMatchObject({ kv_namespaces: [{ binding: "CACHE", id: namespace?.id }] });
    const fresh = createProject(join(folder, "fresh"), "my-models");
    expect(toml).toBe(
      readFileSync(fresh.path("wrangler.toml"), "utf8").replace(
        /^id = .*$/m,
        `id = "${namespace?.id}"`,
      ),
    );
  });

  test("the next one creates nothing, and keeps the key", async () => {
    const before = readFileSync(project.path("wrangler.toml"), "utf8");
    const { code, json, stderr } = await deploy(project, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "deploying my-models ...\n" });
    expect(json()).toMatchObject({ created: [], hasAdminKey: true });
    expect(json()).not.toHaveProperty("adminKey");
    expect(api.workers.get("my-models")).toEqual({ ADMIN_KEY: first.adminKey });
    expect(readFileSync(project.path("wrangler.toml"), "utf8")).toBe(before);
    expect([api.buckets.size, api.namespaces.length]).toEqual([1, 1]);
  });

  test("the classes of the Durable Objects are created once", () => {
    const steps = ["KeyAuthority", "MetricsCollector"].map((name) => ({
      new_sqlite_classes: [name],
    }));
    expect(api.migrations).toEqual([{ worker: "my-models", steps }]);
  });

  test("the static assets are uploaded, and the files of them once", () => {
    expect(api.assets.get("my-models")).toEqual(["/dashboard.html"]);
    const isUpload = (line: string) => line === "POST /workers/assets/upload";
    expect(api.requests.filter(isUpload)).toHaveLength(1);
  });

  test("a new key replaces the former one", async () => {
    const { stdout, stderr } = await deploy(project, "--set-admin-key");
    const { ADMIN_KEY } = api.workers.get("my-models") ?? {};
    expect(ADMIN_KEY).not.toBe(first.adminKey);
    expect(stdout).toContain(`ADMIN_KEY, shown only now: ${ADMIN_KEY}\n`);
    expect(stderr).toContain("the former key is not valid any more");
  });
});

test("a deployment that failed half-way is continued, with the namespace that it has created", async () => {
  const project = createProject(folder, "continued", WORKER);
  api.refuse(/^PUT \/workers\/scripts\/continued$/, {
    status: 403,
    code: 10027,
    message: "Your Worker exceeded the size limit of 3 MiB.",
  });
  const failed = await deploy(project);
  expect(failed).toMatchObject({ code: 8, stdout: "" });
  expect(failed.stderr).toContain("exceeded the size limit of 3 MiB");
  expect(failed.stderr).toContain("subscribe to the Workers Paid plan");
  // As if the file had been lost as well.
  const toml = readFileSync(project.path("wrangler.toml"), "utf8");
  writeFileSync(project.path("wrangler.toml"), toml.replace(/^id = .*$/m, ""));
  api.acceptAll();
  const continued = await deploy(project, "--json");
  expect(continued.json()).toMatchObject({ created: [], hasAdminKey: false });
  expect(continued.stderr).toContain("ADMIN_KEY is not set, so nothing can be published");
  expect(api.namespaces.filter(({ title }) => title === "continued-CACHE")).toHaveLength(1);
  expect(parse(readFileSync(project.path("wrangler.toml"), "utf8"))).toMatchObject({
    kv_namespaces: [{ id: api.namespaces.find(({ title }) => title === "continued-CACHE")?.id }],
  });
});

/** What Cloudflare refuses, by its own codes and messages. */
test.each([
  [/^GET \/workers/, 401, 10000, "Authentication error", "npx wrangler login"],
  [
    /^GET \/r2/,
    403,
    10042,
    "Please enable R2 through the Cloudflare Dashboard.",
    "enable R2 in the Cloudflare dashboard",
  ],
  [
    /^PUT \/workers\/scripts/,
    400,
    100328,
    "CPU limits are not supported for the Free plan.",
    "remove [limits] from wrangler.toml",
  ],
  [
    /^PUT \/workers\/scripts/,
    403,
    10195,
    "In order to use Dynamic Workers, you must switch to a paid plan.",
    "remove [[worker_loaders]] from wrangler.toml",
  ],
  [
    /^GET \/workers\/subdomain/,
    404,
    10007,
    "workers.api.error.subdomain_required",
    "choose a workers.dev subdomain in the Cloudflare dashboard",
  ],
])(
  "when %s is refused with %i %i, the remedy is told",
  async (pattern, status, code, message, remedy) => {
    const project = createProject(mkdtempSync(join(folder, "refused-")), "refused", WORKER);
    api.buckets.add("refused-models");
    if (api.namespaces.every(({ title }) => title !== "refused-CACHE"))
      api.namespaces.push({ id: "e".repeat(32), title: "refused-CACHE" });
    api.refuse(pattern, { status, code, message });
    const { code: exitCode, stderr, stdout } = await deploy(project);
    expect({ exitCode, stdout }).toEqual({ exitCode: 8, stdout: "" });
    expect(stderr).toContain(remedy);
  },
);

test("without an account, the remedy is to log in", async () => {
  const { folder: cwd } = createProject(folder, "nobody", WORKER);
  const env = { CLOUDFLARE_API_TOKEN: "", XDG_CONFIG_HOME: folder, HOME: folder };
  const { code, stderr } = await runCli(["deploy"], { cwd, env });
  expect(code).toBe(8);
  expect(stderr).toContain("log in with: npx wrangler login; or set CLOUDFLARE_API_TOKEN");
});

test("an id of another account is refused before anything is deployed", async () => {
  const project = createProject(folder, "foreign", WORKER);
  const toml = readFileSync(project.path("wrangler.toml"), "utf8");
  writeFileSync(
    project.path("wrangler.toml"),
    toml.replace(/^id = .*$/m, `id = "${"f".repeat(32)}"`),
  );
  const { code, stderr } = await deploy(project);
  expect(code).toBe(2);
  expect(stderr).toContain(`this account has no KV namespace ${"f".repeat(32)}, the id of CACHE`);
  expect(api.workers.has("foreign")).toBe(false);
});

test("a setting that is not valid is refused before the account is asked", async () => {
  const project = createProject(folder, "wrong-setting", WORKER);
  const toml = readFileSync(project.path("wrangler.toml"), "utf8");
  writeFileSync(
    project.path("wrangler.toml"),
    toml.replace('EVENT_LOG = "on"', 'EVENT_LOG = "yes"'),
  );
  const before = api.requests.length;
  const { code, stderr } = await deploy(project);
  expect(code).toBe(2);
  expect(stderr).toMatch(/invalid settings in \[vars\].*EVENT_LOG/s);
  expect(api.requests).toHaveLength(before);
});

test("a dry run builds and checks, and asks no account", async () => {
  const { folder: cwd } = createProject(folder, "dry", WORKER);
  const before = api.requests.length;
  const { code, stderr, json } = await runCli(["deploy", "--dry-run", "--json"], {
    cwd,
    env: api.env,
  });
  expect(code).toBe(0);
  expect(json()).toEqual({
    name: "dry",
    size: expect.stringMatching(/^[\d.]+ KiB \/ gzip: [\d.]+ KiB$/),
    buckets: ["dry-models"],
    namespaces: [{ binding: "CACHE", hasId: false }],
  });
  expect(stderr).toContain("npx onnxflare deploy creates the namespace and writes its id");
  expect(api.requests).toHaveLength(before);
});

test("a Worker that cannot be built is refused with the place", async () => {
  const { folder: cwd } = createProject(folder, "broken", `import "./nowhere.ts";\n${WORKER}`);
  const { code, stderr } = await runCli(["deploy", "--dry-run"], { cwd });
  expect(code).toBe(8);
  expect(stderr).toContain("src/index.ts:1:7");
});

test("a folder without a Worker is refused", async () => {
  const { code, stderr } = await runCli(["deploy"], { cwd: folder });
  expect(code).toBe(2);
  expect(stderr).toContain("has no wrangler.toml; go to the folder of a project");
});
