import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { type CliResult, runCli, startCli } from "../../support/cli.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import { poll } from "../../support/poll.ts";
import { type Intercept, type ProxyServer, startProxy } from "../../support/proxy.ts";

/** `onnxflare push` over connections that fail, and killed on its way. */

/** A push sends three parts of 8 MiB of it at the same time. */
const WEIGHTS = 5_000_000;
const PART_BYTES = 8_388_608;

let service: AdministeredService;
let folder: string;
let file: string;
let sizeBytes: number;
const proxies: ProxyServer[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-interrupted-"));
  file = join(folder, "model.onnx");
  const model = buildOnnx({
    inputs: [{ name: "index", datatype: "INT64", shape: ["n"] }],
    outputs: [{ name: "weight", datatype: "FP32", shape: ["n"] }],
    nodes: [{ op: "Gather", inputs: ["weights", "index"], outputs: ["weight"] }],
    weights: [
      {
        name: "weights",
        datatype: "FP32",
        shape: [WEIGHTS],
        data: Float32Array.from({ length: WEIGHTS }, (_, index) => index % 1000),
      },
    ],
  });
  writeFileSync(file, model);
  sizeBytes = model.byteLength;
  service = await startAdministeredService();
});
afterEach(async () => {
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service?.dispose();
});

async function through(intercept: Intercept): Promise<ProxyServer> {
  const proxy = await startProxy(service.origin, intercept);
  proxies.push(proxy);
  return proxy;
}

function environment(url = service.origin): Record<string, string> {
  return { ONNXFLARE_URL: url, ONNXFLARE_KEY: ADMIN_KEY };
}

function push(name: string, url?: string): Promise<CliResult> {
  return runCli(["push", file, "--name", name, "--json"], { env: environment(url) });
}

/** That the version answers, with what its weights are. */
async function expectServed(name: string): Promise<void> {
  const input = { name: "index", datatype: "INT64", shape: [2], data: [7, WEIGHTS - 1] };
  const args = ["predict", name, "--input", JSON.stringify({ inputs: [input] }), "--json"];
  const predicted = await runCli(args, { env: environment() });
  expect(predicted.json()).toMatchObject({ outputs: [{ name: "weight", data: [7, 999] }] });
}

const isPart = ({ method, url = "" }: IncomingMessage): boolean =>
  method === "PUT" && url.includes("/files/");
const isPublication = ({ url = "" }: IncomingMessage): boolean => url.endsWith("/publish");

/** A server to which the second and third part never come, and that never responds to them. */
async function startStalled(): Promise<ProxyServer> {
  return through((request) => {
    const isFirst = !isPart(request) || request.headers["content-range"]?.startsWith("bytes 0-");
    if (!isFirst) request.resume();
    return isFirst ? "pass" : "taken";
  });
}

test.each([
  ["killed", "SIGKILL", null],
  ["interrupted by Ctrl-C", "SIGINT", 130],
] as const)("a push that was %s continues when it is run again", async (_, signal, code) => {
  const name = `resumed-${signal.toLowerCase()}`;
  const proxy = await startStalled();
  const first = startCli(["push", file, "--name", name], { env: environment(proxy.url) });
  const uploads = `/models/${name}/versions/1/files`;
  await poll("part that has arrived", async () => {
    const { body } = await service.administer(uploads);
    return (body as { files: unknown[] }).files.length > 0 || undefined;
  });
  first.signal(signal);
  const ended = await first.result;
  expect(ended.code).toBe(code);
  if (code !== null) expect(ended.stderr).toContain("run the same command again to continue");
  // Nothing of it is visible.
  const listed = await runCli(["list", "--json"], { env: environment() });
  expect(listed.stdout).not.toContain(name);
  const second = await push(name);
  expect(second.code, second.stderr).toBe(0);
  expect(second.stderr).toContain("resuming: 8.0 MiB of 19.1 MiB were sent before");
  expect(second.json()).toMatchObject({
    version: "1",
    totalBytes: sizeBytes,
    resumedBytes: PART_BYTES,
  });
  await expectServed(name);
});

test("a push continues over a server that fails for a while, and over broken connections", async () => {
  const failed = new Set<string>();
  const proxy = await through((request, response) => {
    const key = `${request.method} ${request.url} ${request.headers["content-range"]}`;
    if (failed.has(key)) return "pass";
    failed.add(key);
    if (isPart(request)) request.socket.destroy();
    else response.writeHead(503, { "content-type": "application/json" }).end("{}");
    return "taken";
  });
  const result = await push("over-failures", proxy.url);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stderr).toContain("trying again in");
  expect(proxy.requests.filter((line) => line.startsWith("PUT "))).toHaveLength(6);
  await expectServed("over-failures");
});

test("a publication whose response is lost is found, and is not made twice", async () => {
  let lost = 0;
  const proxy = await through((request, response) => {
    if (!isPublication(request) || lost > 0) return "pass";
    lost += 1;
    // What the server responds is thrown away with the connection.
    response.writeHead = () => {
      response.destroy();
      return response;
    };
    return "pass";
  });
  const result = await push("lost-response", proxy.url);
  expect(result.code, result.stderr).toBe(0);
  expect(result.json()).toMatchObject({ version: "1", manifest: { name: "lost-response" } });
  expect(lost).toBe(1);
  const { versions } = (
    await runCli(["inspect", "lost-response", "--json"], { env: environment() })
  ).json<{ versions: unknown[] }>();
  expect(versions).toHaveLength(1);
});

test("a push gives up after its retries, with what the server said", async () => {
  const proxy = await through((_, response) => {
    const problem = { title: "T", status: 503, code: "storage_failed", detail: "Storage is away." };
    response.writeHead(503, { "content-type": "application/problem+json" });
    response.end(JSON.stringify(problem));
    return "taken";
  });
  const args = ["push", file, "--name", "given-up", "--retries", "1"];
  const result = await runCli(args, { env: environment(proxy.url) });
  expect(result.code).toBe(8);
  expect(result.stderr).toContain("error: Storage is away.");
  expect(proxy.requests).toHaveLength(2);
});
