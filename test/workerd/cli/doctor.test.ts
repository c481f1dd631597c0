import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Check } from "../../../packages/cli/src/project/check.ts";
import { runCli } from "../../support/cli.ts";
import { type Service, startService } from "../../support/service.ts";
import { createProject, type TemporaryProject } from "../../support/temporary-project.ts";

const KEY = "the-key-of-this-test";

let folder: string;
let service: Service;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-doctor-"));
  service = await startService({ models: ["iris-logistic"], vars: { ADMIN_KEY: KEY } });
});

afterAll(async () => {
  await service.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Report {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

async function examine(
  cwd: string,
  { url = service.origin, key = KEY }: { url?: string; key?: string } = {},
): Promise<Report & { code: number | null; of(name: string): readonly Check[] }> {
  const { code, json } = await runCli(["doctor", "--json", "--url", url, "--key", key], { cwd });
  const report = json<Report>();
  return { ...report, code, of: (name) => report.checks.filter((check) => check.name === name) };
}

test("a new project and a server that works have nothing wrong but what the first deployment does", async () => {
  const { folder: cwd } = createProject(folder, "sound");
  const { code, ok, checks } = await examine(cwd);
  expect({ code, ok }).toEqual({ code: 0, ok: true });
  expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    "node ok",
    "wrangler ok",
    "bindings ok",
    "keys ok",
    "metrics ok",
    "namespaces warn",
    "compatibility ok",
    "limits ok",
    "schedule ok",
    "public ok",
    "settings ok",
    "entry ok",
    "secrets ok",
    "models ok",
    "server ok",
    "clock ok",
    "version ok",
    "storage ok",
    "key ok",
    "access ok",
    "authority ok",
    "served ok",
    "engine ok",
  ]);
  expect(checks.at(-1)?.message).toMatch(/^iris-logistic predicts in \d+ ms$/);
});

test("each check is a line, with what to do", async () => {
  const { folder: cwd } = createProject(folder, "lines");
  const { code, stdout, stderr } = await runCli(["doctor", "--url", "http://127.0.0.1:9"], { cwd });
  expect(code).toBe(9);
  expect(stderr).toBe("error: 1 of 15 checks failed\n");
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(15);
  expect(lines[2]).toBe(
    "ok    bindings       wrangler.toml has MODELS, CACHE, LOADER, RATE_LIMITER, ASSETS",
  );
  expect(lines.at(-1)).toMatch(
    /^fail {2}server {9}http:\/\/127\.0\.0\.1:9 can't be reached: .+; start it: npx onnxflare dev; or name another one by --url$/,
  );
});

test("outside of a project the server alone is examined", async () => {
  const { code, checks } = await examine(folder);
  expect(code).toBe(0);
  expect(checks.slice(0, 3).map(({ name }) => name)).toEqual(["node", "project", "server"]);
});

describe("what is wrong with a project", () => {
  let project: TemporaryProject;
  let report: Awaited<ReturnType<typeof examine>>;

  beforeAll(async () => {
    project = createProject(folder, "unsound");
    const toml = readFileSync(project.path("wrangler.toml"), "utf8")
      .replace(/\[\[r2_buckets\]\]\n(?:.+\n)+/, "")
      .replace(/\[\[worker_loaders\]\]\n(?:.+\n)+/, "")
      .replace(/\[assets\]\n(?:.+\n)+/, "")
      .replace("2026-11-01", "2025-01-01")
      .replace('["enable_request_signal"]', "[]")
      .replace(/\[limits\]\n.+\n/, "")
      .replace(/\[triggers\]\n.+\n/, "")
      .replaceAll(/\[\[migrations\]\]\n(?:.+\n)+/g, "")
      .replace('main = "src/index.ts"', 'main = "src/nowhere.ts"')
      .replace(
        "[vars]",
        '[vars]\nADMIN_KEY = "in the open"\nMAX_IN_FLIGHT = "0"\nPUBLIC_PREDICT = "true"\nPUBLIC_METRICS = "on"',
      );
    writeFileSync(project.path("wrangler.toml"), toml);
    writeFileSync(project.path(".dev.vars"), "ENCRYPTION_KEY=short\n");
    execFileSync("git", ["init", "-q"], { cwd: project.folder });
    execFileSync("git", ["add", "-f", ".dev.vars"], { cwd: project.folder });
    const model = project.path("models", "iris-logistic", "1", "model.onnx");
    writeFileSync(model, readFileSync(model).fill(0, 100, 101));
    report = await examine(project.folder);
  });

  test.each<[string, Check["status"], RegExp, RegExp]>([
    ["bindings", "fail", /no \[\[r2_buckets\]\] with the binding MODELS$/, /^add it as it is/],
    [
      "bindings",
      "warn",
      /no \[assets\] with the binding ASSETS: there is no dashboard$/,
      /^add it as it is/,
    ],
    ["bindings", "warn", /binding LOADER: all models share one isolate/, /^add it as it is/],
    ["keys", "fail", /no migration that creates KeyAuthority, the class of KEYS/, /^add/],
    ["metrics", "fail", /no migration that creates MetricsCollector, the class of METRICS/, /^add/],
    ["compatibility", "warn", /is 2025-01-01, and onnxflare is tested with 2026-11-01/, /^set/],
    ["compatibility", "warn", /lacks the compatibility flag enable_request_signal/, /^add/],
    ["limits", "warn", /no limit of CPU time/, /cpu_ms = 30000/],
    ["schedule", "warn", /has no schedule/, /^add \[triggers\] with crons = \["17 3 \* \* \*"\]/],
    ["public", "warn", /anybody may predict without a key$/, /keys create/],
    ["public", "warn", /anybody may read which models there are/, /--scopes metrics/],
    ["settings", "fail", /ADMIN_KEY in \[vars\]/, /npx wrangler secret put ADMIN_KEY/],
    ["settings", "fail", /invalid settings in \[vars\]: .*MAX_IN_FLIGHT/, /configuration\.md/],
    ["entry", "fail", /no entry file that exists/, /main = "src\/index.ts"/],
    ["secrets", "fail", /\.dev\.vars: .*ENCRYPTION_KEY/, /^correct it/],
    ["secrets", "warn", /no ADMIN_KEY/, /^add a line/],
    ["secrets", "fail", /committed to git/, /^git rm --cached/],
    ["models", "fail", /iris-logistic version 1: file model\.onnx has SHA-256/, /^correct/],
  ])("%s: %s", (name, status, message, remedy) => {
    expect(report.of(name)).toContainEqual({
      name,
      status,
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(remedy),
    });
  });

  test("and there is nothing else, and the exit code says it", () => {
    expect(report.code).toBe(9);
    expect(report.checks.filter(({ status }) => status !== "ok")).toHaveLength(19);
  });
});

test("a configuration that is no TOML, and packages that are not installed", async () => {
  const project = createProject(folder, "no-toml");
  writeFileSync(project.path("wrangler.toml"), "name = \n");
  expect((await examine(project.folder)).of("configuration")).toEqual([
    {
      name: "configuration",
      status: "fail",
      message: expect.stringMatching(/^wrangler\.toml is not valid: /),
    },
  ]);
  rmSync(project.path("node_modules"));
  expect((await examine(project.folder)).of("wrangler")).toEqual([
    expect.objectContaining({ status: "fail", remedy: "run npm install" }),
  ]);
});

describe("what is wrong with a server", () => {
  test("a wrong key", async () => {
    const { code, of } = await examine(folder, { key: "another" });
    expect(code).toBe(9);
    expect(of("key")).toMatchObject([
      { status: "fail", remedy: expect.stringMatching(/ADMIN_KEY in its \.dev\.vars/) },
    ]);
  });

  test("a model whose file is lost", async () => {
    const damaged = await startService({ models: ["iris-logistic", "iris-kmeans"] });
    try {
      const { objects } = await damaged.bucket.list({ prefix: "models/iris-kmeans/1/" });
      const files = objects.map(({ key }) => key).filter((key) => !key.endsWith("manifest.json"));
      await damaged.bucket.delete(files);
      const { code, of } = await examine(folder, { url: damaged.origin, key: "" });
      expect(code).toBe(9);
      expect(of("served")).toMatchObject([
        { status: "fail", message: expect.stringMatching(/^iris-kmeans is not ready: /) },
        { status: "ok", message: "1 of 2 ready" },
      ]);
      expect(of("key")).toMatchObject([
        { status: "warn", remedy: expect.stringContaining("--key") },
      ]);
    } finally {
      await damaged.dispose();
    }
  });

  test("a server without models", async () => {
    const empty = await startService({ models: [] });
    try {
      const { code, of } = await examine(folder, { url: empty.origin });
      expect(code).toBe(9);
      expect(of("served")).toMatchObject([{ status: "warn", message: "the server has no models" }]);
      expect(of("engine")).toMatchObject([{ status: "warn" }]);
      // It has no ADMIN_KEY.
      expect(of("key")).toMatchObject([{ status: "fail" }]);
    } finally {
      await empty.dispose();
    }
  });

  describe("another server", () => {
    let server: Server;
    let url: string;
    let status = 200;
    let body: Record<string, unknown> = {};

    beforeAll(async () => {
      server = createServer((_, response) => {
        const date = new Date(Date.now() - 3_600_000).toUTCString();
        response.writeHead(status, { date, "content-type": "application/json" });
        response.end(JSON.stringify(body));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });

    afterAll(() => server.close());

    test("its clock and its version differ", async () => {
      body = { version: "9.9.9", models: [] };
      const { of } = await examine(folder, { url });
      expect(of("clock")).toMatchObject([
        { status: "warn", message: expect.stringMatching(/is 36\d\d s ahead of the server's/) },
      ]);
      expect(of("version")).toMatchObject([
        { status: "warn", message: expect.stringContaining("the server is onnxflare 9.9.9") },
      ]);
    });

    test("it is none of onnxflare", async () => {
      status = 404;
      const { checks } = await examine(folder, { url });
      expect(checks.at(-1)).toMatchObject({
        name: "server",
        status: "fail",
        message: expect.stringContaining("answers with status 404"),
      });
    });
  });
});
