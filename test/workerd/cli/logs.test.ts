import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { type CliProcess, runCli, startCli } from "../../support/cli.ts";
import { poll } from "../../support/poll.ts";

/** `onnxflare logs` against a local Worker. */

let service: AdministeredService;
const running: CliProcess[] = [];
beforeAll(async () => {
  service = await startAdministeredService({ models: ["iris-logistic"] });
});
afterAll(async () => {
  for (const { signal } of running) signal("SIGKILL");
  await service?.dispose();
});

const environment = (): Record<string, string> => ({
  ONNXFLARE_URL: service.origin,
  ONNXFLARE_KEY: ADMIN_KEY,
});

function predict(id: string, path = "/models/iris-logistic"): Promise<unknown> {
  return service.post(path, { inputs: [5.1, 3.5, 1.4, 0.2] }, { "x-request-id": id });
}

test("events of the past are printed, then new ones as they happen, until Ctrl-C", async () => {
  await predict("of-the-past");
  const logs = startCli(["logs", "--model", "iris-logistic", "--json"], { env: environment() });
  running.push(logs);
  await poll("event of the past", async () => logs.stdout().includes("of-the-past") || undefined);
  await predict("of-now");
  await poll("new event", async () => logs.stdout().includes("of-now") || undefined);
  logs.signal("SIGINT");
  const result = await logs.result;
  expect(result.code).toBe(130);
  const events = result.lines() as { requestId: string; model: string }[];
  expect(events.map(({ requestId }) => requestId)).toEqual(["of-the-past", "of-now"]);
  expect(new Set(events.map(({ model }) => model))).toEqual(new Set(["iris-logistic"]));
});

test("only the events that pass the filter are printed", async () => {
  await predict("works");
  await predict("fails", "/models/nothing");
  const run = (...args: string[]) =>
    runCli(["logs", "--no-follow", ...args], { env: environment() });
  const failed = await run("--status", "4xx,5xx", "--code", "model_not_found", "--json");
  expect(failed.lines()).toMatchObject([{ requestId: "fails", status: 404 }]);
  const text = await run("--operation", "predict", "--version", "1");
  expect(text.code, text.stderr).toBe(0);
  expect(text.stdout).toMatch(/^\S+ 200 {2}predict {2}iris-logistic version 1 {2}.*works$/m);
  expect(text.stdout).not.toContain("fails");
});

test.each([
  [["--status", "abc"], 2],
  [["--model", "No"], 2],
  [["--event", "nothing"], 2],
  [["--code", "nothing"], 7],
])("%j is refused", async (args, code) => {
  const result = await runCli(["logs", "--no-follow", ...args], { env: environment() });
  expect(result).toMatchObject({ code, stdout: "" });
});

test("events of a deployed Worker come through wrangler tail, and pass the same filter", async () => {
  const folder = mkdtempSync(join(tmpdir(), "onnxflare-tail-"));
  const event = (requestId: string, status: number) => ({ event: "request", requestId, status });
  const message = (...events: object[]) => ({
    outcome: "ok",
    logs: [{ message: ["other"] }, ...events.map((each) => ({ message: [JSON.stringify(each)] }))],
  });
  // Wrangler's tail needs an account: this program prints what it does, with the arguments that it gets.
  const documents = [message(event("fails", 500)), message(event("works", 200), event("too", 503))];
  const text = documents.map((each) => JSON.stringify(each, null, 4)).join("\n");
  writeFileSync(join(folder, "npx"), `#!/bin/sh\necho "$*" >&2\ncat <<'E'\n${text}\nE\n`, {
    mode: 0o755,
  });
  const env = { ...environment(), PATH: `${folder}:${process.env.PATH}` };
  const result = await runCli(["logs", "--tail", "my-worker", "--status", "5xx", "--json"], {
    env,
  });
  rmSync(folder, { recursive: true });
  expect(result.code, result.stderr).toBe(0);
  expect(result.lines()).toEqual([event("fails", 500), event("too", 503)]);
  expect(result.stderr).toContain("wrangler tail my-worker --format json");
});
