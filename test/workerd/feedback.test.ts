import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { CanaryReport } from "../../src/domain/monitoring/canary-report.ts";
import type { Routing } from "../../src/domain/routing.ts";
import { runCli } from "../support/cli.ts";
import { hostingCollector } from "../support/collectors.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs, publishWithFile } from "../support/publish.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

const HEADERS = { authorization: "Bearer a-key-for-tests", "content-type": "application/json" };
const SETOSA = [5.1, 3.5, 1.4, 0.2];
const VIRGINICA = [6.7, 3.0, 5.2, 2.3];
const IRIS = findModel("iris-logistic");

let workers: Workers;
let origin: string;

beforeAll(async () => {
  workers = await startWorkers([
    {
      name: "service",
      code: { outdir: inject("workerBuild") },
      bindings: { ADMIN_KEY: "a-key-for-tests", MONITORING_FLUSH_MS: "100" },
      r2Buckets: { MODELS: "models" },
      ...hostingCollector(),
    },
  ]);
  origin = await workers.originOf("service");
  const bucket = await workers.bucket("MODELS");
  await publishAs(bucket, IRIS, IRIS.manifest);
  await publishAs(bucket, findModel("diabetes-linear"), findModel("diabetes-linear").manifest);
  await publishAs(bucket, IRIS, { name: "flowers", version: "1" });
  const canary = { rollback: true, metrics: ["errors" as const], significance: 0.01 };
  const manifest = { ...IRIS.manifest, monitoring: { canary } };
  const id = { name: "flowers", version: "2" };
  await publishWithFile(bucket, { ...IRIS, manifest }, id, "model.onnx", "no model at all");
});

afterAll(() => workers?.dispose());

interface Answer {
  readonly status: number;
  readonly requestId: string;
  readonly body: unknown;
}

async function send(method: string, path: string, body?: unknown, key = HEADERS): Promise<Answer> {
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: key,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const requestId = response.headers.get("x-request-id") ?? "";
  return { status: response.status, requestId, body: await response.json() };
}

const predict = (model: string, inputs: unknown) => send("POST", `/models/${model}`, { inputs });

/** Gives feedback when the prediction has arrived. */
async function give(model: string, feedback: { requestId: string; truth: unknown }) {
  return poll(`prediction ${feedback.requestId}`, async () => {
    const answer = await send("POST", `/models/${model}/feedback`, feedback);
    return answer.status === 200 ? answer.body : undefined;
  });
}

test("truths of predictions, computed and cached, become the accuracy of their version", async () => {
  const one = await predict("iris-logistic", SETOSA);
  const cached = await predict("iris-logistic", SETOSA);
  const two = await predict("iris-logistic", [SETOSA, VIRGINICA]);
  const recorded = { status: "recorded", version: "1" };
  const first = { requestId: one.requestId, truth: "setosa" };
  expect(await give("iris-logistic", first)).toEqual({
    ...recorded,
    requestId: one.requestId,
    compared: 1,
  });
  expect(await give("iris-logistic", first)).toMatchObject({ status: "unchanged" });
  expect(
    await give("iris-logistic", { requestId: cached.requestId, truth: "versicolor" }),
  ).toMatchObject({ ...recorded, compared: 1 });
  expect(
    await give("iris-logistic@1", { requestId: two.requestId, truth: ["setosa", "virginica"] }),
  ).toMatchObject({ ...recorded, compared: 2 });

  const { status, body } = await send("GET", "/admin/models/iris-logistic/accuracy?step=hour");
  expect(status).toBe(200);
  expect(body).toMatchObject({
    model: "iris-logistic",
    versions: [
      {
        version: "1",
        truths: 4,
        // Wilson's interval of 3 of 4, by SciPy.
        classification: {
          accuracy: {
            value: 0.75,
            low: expect.closeTo(0.300642, 6),
            high: expect.closeTo(0.954413, 6),
          },
        },
        estimated: { unavailable: "not_calibrated" },
      },
    ],
  });
});

test("truths of numbers become errors, and a list says of each item what became of it", async () => {
  const { example } = findModel("diabetes-linear").manifest;
  const one = await predict("diabetes-linear", example?.inputs);
  const [predicted] = [one.body].flat() as number[];
  await give("diabetes-linear", { requestId: one.requestId, truth: (predicted ?? 0) - 10 });
  const list = [
    { requestId: one.requestId, truth: (predicted ?? 0) - 10 },
    { requestId: one.requestId, truth: "many" },
    { requestId: one.requestId, truth: [1, 2] },
    { requestId: "order-17", truth: 1 },
    { requestId: "0199b1d2-4c1e-7d3a-9c53-2f1f0a6b7c8d", truth: 1 },
    { requestId: one.requestId },
    "nothing",
  ];
  const { status, body } = await send("POST", "/models/diabetes-linear/feedback", list);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    counts: { recorded: 0, replaced: 0, unchanged: 1, outdated: 0, failed: 6 },
    results: [
      { status: "unchanged" },
      { status: "failed", code: "invalid_truth" },
      { status: "failed", code: "invalid_truth" },
      { requestId: "order-17", status: "failed", code: "prediction_not_found" },
      { status: "failed", code: "prediction_expired" },
      { requestId: one.requestId, status: "failed", code: "invalid_request" },
      { status: "failed", code: "invalid_request" },
    ],
  });
  const accuracy = await send("GET", "/admin/models/diabetes-linear/accuracy");
  expect(accuracy.body).toMatchObject({ versions: [{ truths: 1, regression: { count: 1 } }] });
  const [{ regression }] = (accuracy.body as { versions: [{ regression: object }] }).versions;
  expect(Object(regression).rootMeanSquaredError.value).toBeCloseTo(10, 3);
});

test("the command line sends a file of truths, names the lines that were refused, and shows the accuracy", async () => {
  const one = await predict("iris-logistic", VIRGINICA);
  const lines = [
    { requestId: one.requestId, truth: "virginica" },
    { requestId: "order-18", truth: 1 },
  ];
  await give("iris-logistic", { requestId: one.requestId, truth: "setosa" });
  const file = join(await mkdtemp(join(tmpdir(), "feedback-")), "truths.jsonl");
  await writeFile(file, `${lines.map((line) => JSON.stringify(line)).join("\n\n")}\n`);
  const env = { ONNXFLARE_URL: origin, ONNXFLARE_KEY: "a-key-for-tests" };
  const sent = await runCli(["feedback", "iris-logistic", file, "--json"], { env });
  expect(sent.code).toBe(7);
  expect(JSON.parse(sent.stdout.split("\n")[0] ?? "")).toMatchObject({
    counts: { replaced: 1, failed: 1 },
    failed: [{ line: 3, code: "prediction_not_found" }],
  });
  const shown = await runCli(["accuracy", "iris-logistic", "--since", "1h"], { env });
  expect(shown).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/VERSION +TRUTHS +ACCURACY.*\n1 +\d+ +\d/),
  });
});

test("feedback that is wrong as a whole is refused with what is valid", async () => {
  const feedback = { requestId: "order-17", truth: "setosa" };
  const of = (path: string, body: unknown, key = HEADERS) => send("POST", path, body, key);
  const path = "/models/iris-logistic/feedback";
  expect(await of(path, feedback)).toMatchObject({
    status: 404,
    body: { code: "prediction_not_found" },
  });
  expect((await of("/models/nobody/feedback", feedback)).body).toMatchObject({
    code: "model_not_found",
  });
  expect((await of("/models/iris-logistic/versions/9/feedback", feedback)).status).toBe(404);
  expect((await of(path, [])).body).toMatchObject({ code: "invalid_request" });
  expect((await of(path, { ...feedback, extra: 1 })).body).toMatchObject({
    code: "invalid_request",
  });
  const anonymous = { ...HEADERS, authorization: "" };
  expect((await of(path, feedback, anonymous)).status).toBe(401);
  const one = await predict("iris-logistic", SETOSA);
  const answer = await poll("an unknown label", async () => {
    const refused = await of(path, { requestId: one.requestId, truth: "tulip" });
    return refused.status === 400 ? refused : undefined;
  });
  expect(answer.body).toMatchObject({
    code: "invalid_truth",
    detail: expect.stringContaining('"setosa", "versicolor", "virginica"'),
  });
});

test("a canary that fails is taken out of the split once, and an administrator may try it again", async () => {
  const alias = "/admin/models/flowers/aliases/live";
  const route = async () => {
    const { body } = await send("GET", "/admin/models/flowers/routing");
    return (body as Routing).aliases.live?.split;
  };
  const split = [
    { version: "1", weight: 3 },
    { version: "2", weight: 1 },
  ];
  expect((await send("PUT", alias, { version: "1" })).status).toBe(200);
  expect((await send("PUT", alias, { split })).status).toBe(200);
  const statuses = new Set<number>();
  await poll("the rollback", async () => {
    for (let index = 0; index < 20; index++)
      statuses.add((await predict("flowers@live", [5 + index / 100, 3.5, 1.4, 0.2])).status);
    return (await route())?.length === 1 || undefined;
  });
  expect([...statuses].sort()).toEqual([200, 503]);
  expect(await route()).toEqual([{ version: "1", weight: 3 }]);

  const { body: history } = await send("GET", "/admin/models/flowers/history?alias=live");
  const [last] = (history as { entries: Record<string, unknown>[] }).entries;
  expect(last).toMatchObject({ by: "monitoring", action: "alias", alias: "live" });
  expect(last?.note).toMatch(/^Version 2 is worse than version 1: .* of the requests fail/);
  const canaries = async () => {
    const { body } = await send("GET", "/admin/models/flowers/canary");
    return (body as { canaries: CanaryReport[] }).canaries;
  };
  const [report] = await poll("the outcome", async () => {
    const found = await canaries();
    return found[0]?.outcome ? found : undefined;
  });
  expect(report).toMatchObject({
    alias: "live",
    stable: "1",
    canary: "2",
    outcome: "rolled_back",
    worse: { metric: "errors" },
  });

  expect((await send("PUT", alias, { split })).status).toBe(200);
  await predict("flowers@live", SETOSA);
  expect(await route()).toEqual(split);
});
