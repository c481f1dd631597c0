import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commonParametersSchema } from "../../src/domain/explanation/explanation-parameters.ts";
import { explainedRows, readExplanations } from "../support/explained-tables.ts";
import { poll } from "../support/poll.ts";
import { beginPost } from "../support/raw-request.ts";
import { type Service, startService, type TestResponse } from "../support/service.ts";
import { expectClose } from "../support/tensors.ts";

/** Explanations over HTTP by the built Worker. Values are those of shap: test/fixtures/explanations. */

const KEY = { authorization: "Bearer a-key-for-tests" };
const PATH = "/models/iris-logistic/explain";

interface Found {
  readonly values: readonly (readonly (readonly number[])[])[];
  readonly base: readonly (readonly number[])[];
}
const SHAPLEY = readExplanations<{
  readonly exact: { readonly "iris-logistic": { readonly probability: Found } };
}>("shapley.json").exact["iris-logistic"].probability;

let service: Service;
let rows: readonly unknown[];
let background: readonly unknown[];
let exact: object;

beforeAll(async () => {
  service = await startService({
    models: ["iris-logistic", "diabetes-ridge", "voice-activity", "pocket-gpt"],
    vars: { ADMIN_KEY: "a-key-for-tests", CACHE_TIERS: "isolate", MONITORING_FLUSH_MS: "100" },
  });
  ({ rows, background } = await explainedRows("iris-logistic"));
  exact = { method: "exact", space: "probability", output: "all", background };
});

afterAll(() => service?.dispose());

function explain(
  inputs: unknown,
  parameters: object = {},
  headers: Record<string, string> = {},
  path = PATH,
): Promise<TestResponse> {
  return service.post(path, { inputs, parameters }, headers);
}

function expectShapley(explanation: unknown, row: number): void {
  const found = explanation as Record<string, unknown> & { values: number[][] };
  expect(found).toMatchObject({
    method: "exact",
    exact: true,
    space: "probability",
    output_names: ["setosa", "versicolor", "virginica"],
    data: rows[row],
    std_error: null,
    seed: null,
  });
  expectClose(found.values.flat(), SHAPLEY.values[row]?.flat() ?? [], 1e-6);
  expectClose(found.base_value as number[], SHAPLEY.base[row] ?? [], 1e-6);
}

describe("an explanation", () => {
  test("has the values of shap, for one input and for each of a list", async () => {
    const one = await explain(rows[0], exact);
    expect(one.status).toBe(200);
    expectShapley(one.body, 0);
    const list = await explain(rows, exact, {}, "/models/iris-logistic/versions/1/explain");
    expect(list.headers.get("x-model-version")).toBe("1");
    for (const [index, each] of (list.body as unknown[]).entries()) expectShapley(each, index);
  });

  test("of CSV takes its parameters from the query", async () => {
    const names = [
      "sepal length (cm)",
      "sepal width (cm)",
      "petal length (cm)",
      "petal width (cm)",
    ];
    const csv = [names, ...(rows as number[][])].map((cells) => cells.join(",")).join("\n");
    const query = new URLSearchParams(
      Object.entries(exact).map(([name, value]) => [
        name,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    );
    const { body, status } = await service.request(`${PATH}?${query}`, {
      method: "POST",
      body: csv,
      headers: { "content-type": "text/csv" },
    });
    expect(status).toBe(200);
    for (const [index, each] of (body as unknown[]).entries()) expectShapley(each, index);
    const bare = await service.request(`${PATH}?${query}&header=false`, {
      method: "POST",
      body: csv.slice(csv.indexOf("\n") + 1),
      headers: { "content-type": "text/csv" },
    });
    expect(bare.body).toEqual(body);
  });

  test("is in the cache by what determines it, and has an entity tag", async () => {
    const parameters = { ...exact, seed: 5 };
    const first = await explain(rows[1], parameters);
    expect(first.headers.get("cache-status")).toMatch(/fwd=miss/);
    const etag = first.headers.get("etag") ?? "";
    const second = await explain(rows[1], parameters);
    expect(second.headers.get("cache-status")).toMatch(/hit/);
    expect(second.headers.get("vary")).toMatch(/\baccept\b/);
    expect(second.body).toEqual(first.body);
    const event = await service.event(second.headers.get("x-request-id") ?? "");
    expect(event.explanation).toMatchObject({ method: "exact", runs: 0 });
    const same = await explain(rows[1], parameters, { "if-none-match": etag });
    expect(same.status).toBe(304);
    const other = await explain(rows[1], { ...parameters, seed: 6 });
    expect(other.headers.get("cache-status")).toMatch(/fwd=miss/);
  });

  test("is told of as an explanation, and of no prediction", async () => {
    const { headers, body } = await explain(rows[0], { ...exact, seed: 7 });
    const event = await service.event(headers.get("x-request-id") ?? "");
    const { runs } = body as { runs: number };
    expect(event).toMatchObject({
      operation: "explain",
      operationKind: "explanation",
      model: "iris-logistic",
      explanation: { method: "exact", exact: true, space: "probability", runs },
    });
    expect(runs).toBeGreaterThan(0);
    expect([event.inferences, event.inputs, event.outputs]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const statistics = await service.request("/v2/models/iris-logistic/stats");
    expect(statistics.body).toMatchObject({
      model_stats: [{ inference_count: 0, inference_stats: { success: { count: 0 } } }],
    });
    const metrics = await poll("the metrics of explanations", async () => {
      const { body: text } = await service.request("/metrics", { headers: KEY });
      return /^onnxflare_explanations_total\{.*method="exact"\} \d+/m.test(String(text))
        ? String(text)
        : undefined;
    });
    expect(metrics).toMatch(
      /^onnxflare_explanation_runs_total\{model="iris-logistic",version="1"\} \d+/m,
    );
    expect(metrics).not.toMatch(/^nv_inference_request_success\{.*iris-logistic.*\} [1-9]/m);
  });

  test("says beforehand what it costs", async () => {
    const { body } = await explain(rows, { ...exact, dry_run: true });
    const plan = body as { runs: number; estimated_ms: number };
    expect(plan).toEqual({
      method: "exact",
      exact: true,
      space: "probability",
      runs: expect.any(Number),
      estimated_ms: expect.any(Number),
    });
    const { body: made } = await explain(rows, { ...exact, seed: 8 });
    const runs = (made as { runs: number }[]).reduce((sum, each) => sum + each.runs, 0);
    expect(runs).toBeLessThanOrEqual(plan.runs);
    const refused = await explain(rows, { ...exact, max_runs: plan.runs - 1 });
    expect(refused).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect((refused.body as { detail: string }).detail).toMatch(/runs/);
  });

  test("is drawn where the client prefers a chart, and has an entity tag of its own", async () => {
    const one = { ...exact, output: 0, seed: 10 };
    const json = await explain(rows[0], one);
    const svg = await explain(rows[0], { ...one, chart: "force" }, { accept: "image/svg+xml" });
    expect(svg.status).toBe(200);
    expect(svg.headers.get("content-type")).toMatch(/^image\/svg\+xml/);
    expect(svg.headers.get("cache-status")).toMatch(/hit/);
    expect(String(svg.body)).toMatch(/^<svg .*petal length/s);
    expect(svg.headers.get("etag")).not.toBe(json.headers.get("etag"));
    const page = await explain(rows, exact, { accept: "text/html, */*;q=0.1" });
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(page.headers.get("content-security-policy")).toMatch(/style-src 'sha256-/);
    expect(svg.headers.get("content-security-policy")).toMatch(/style-src 'sha256-/);
    expect(svg.headers.get("vary")).toMatch(/accept/i);
    const list = await explain(rows, exact, { accept: "image/svg+xml" });
    expect(list).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    const other = await explain(rows[0], one, { accept: "audio/wav, image/png" });
    expect(other.headers.get("content-type")).toBe("application/json");
    expect(other.body).toEqual(json.body);
  });

  test("is streamed with its progress", async () => {
    const response = await fetch(new URL(PATH, service.origin), {
      method: "POST",
      body: JSON.stringify({ inputs: rows[0], parameters: { ...exact, seed: 9 }, stream: true }),
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const events = (await response.text()).trim().split("\n\n");
    expect(events[0]).toMatch(/^event: progress\ndata: \{"runs":0,"of":\d+\}$/);
    const last = events.at(-1) ?? "";
    expect(last.startsWith("data: ")).toBe(true);
    expectShapley(JSON.parse(last.slice("data: ".length)), 0);
  });
});

test("a client that leaves ends its explanation", async () => {
  const row = (seed: number): number[] =>
    Array.from({ length: 10 }, (_, column) => ((seed * 7 + column * 3) % 11) / 100);
  const inputs = Array.from({ length: 20 }, (_, index) => row(index + 0.5));
  const background = Array.from({ length: 100 }, (_, index) => row(index));
  const parameters = { method: "permutation", max_runs: 199_000, background };
  const path = "/models/diabetes-ridge/explain";
  const whole = await explain(inputs, { ...parameters, dry_run: true }, {}, path);
  const { runs } = whole.body as { runs: number };
  expect(runs).toBeGreaterThan(100_000);
  const headers = { "x-request-id": "left" };
  const socket = await beginPost(service.origin, path, { inputs, parameters }, headers);
  await service.request("/v2/health/live");
  socket.resetAndDestroy();
  const { errorCode, explanation } = await service.event("left");
  expect(errorCode).toBe("client_closed_request");
  expect(explanation?.runs ?? 0).toBeLessThan(runs);

  const leaving = new AbortController();
  const streamed = await fetch(new URL(path, service.origin), {
    method: "POST",
    headers: { "x-request-id": "left-in-the-middle" },
    body: JSON.stringify({ inputs, parameters: { ...parameters, seed: 1 }, stream: true }),
    signal: leaving.signal,
  });
  const reader = streamed.body?.getReader();
  await reader?.read();
  leaving.abort();
  const event = await service.event("left-in-the-middle");
  expect(event.errorCode).toBe("client_closed_request");
  expect(event.explanation).toMatchObject({ method: "permutation", exact: false });
  expect(event.explanation?.runs).toBeLessThan(runs);
});

test("KServe's form has an explanation for each instance, and TrustyAI's scores", async () => {
  const path = "/v1/models/iris-logistic:explain";
  const { status, body } = await service.post(path, { instances: rows, parameters: exact });
  expect(status).toBe(200);
  const { explanations, timestamp, SHAP } = body as {
    explanations: { values: number[][] }[];
    timestamp: string;
    SHAP: { saliencies: Record<string, { name: string; score: number; confidence: number }[]> };
  };
  expect(Number.isNaN(Date.parse(timestamp))).toBe(false);
  for (const [index, each] of explanations.entries()) expectShapley(each, index);
  const scores = SHAP.saliencies["outputs-1"] ?? [];
  const values = SHAPLEY.values[0]?.map((ofOutputs) => ofOutputs[1] ?? 0) ?? [];
  values.sort((one, two) => Math.abs(two) - Math.abs(one));
  expectClose(
    scores.map(({ score }) => score),
    values,
    1e-6,
  );
  expect(scores.map(({ confidence }) => confidence)).toEqual([0, 0, 0, 0]);
  const refused = await service.post(path, { instances: [] });
  expect(refused).toMatchObject({ status: 400, body: { code: "invalid_request" } });
});

test.each([
  ["another field", { inputs: [1, 2, 3, 4], rows: [] }, "invalid_request"],
  ["no inputs", { parameters: {} }, "invalid_request"],
  ["a row that is too short", { inputs: [1, 2, 3] }, "invalid_shape"],
  ["an empty list", { inputs: [] }, "invalid_shape"],
  ["text for a number", { inputs: [1, 2, 3, "four"] }, "invalid_datatype"],
  [
    "a background row that is too short",
    { inputs: [1, 2, 3, 4], parameters: { background: [[1]] } },
    "invalid_shape",
  ],
  [
    "an output that is not there",
    {
      inputs: [1, 2, 3, 4],
      parameters: { background: [[1, 2, 3, 4]], output: "rose", method: "exact" },
    },
    "invalid_request",
  ],
  [
    "an index that is not there",
    {
      inputs: [1, 2, 3, 4],
      parameters: { background: [[1, 2, 3, 4]], output: 3, method: "exact" },
    },
    "invalid_request",
  ],
])("a request with %s is refused", async (_, body, code) => {
  const answer = await service.post(PATH, body);
  expect(answer.body).toMatchObject({ code });
  expect(answer.status).toBe(400);
});

test("an unknown parameter is refused with the valid ones", async () => {
  const { status, body } = await explain([1, 2, 3, 4], { methods: "exact" });
  expect(status).toBe(400);
  const { valid } = body as { valid?: string[]; details?: { valid: string[] } };
  expect(JSON.stringify(body)).toContain("methods");
  for (const name of Object.keys(commonParametersSchema.shape))
    expect(JSON.stringify(valid ?? body)).toContain(name);
});

describe("a chart of an explanation", () => {
  test("is a page for a list and for methods over many rows", async () => {
    const html = { accept: "text/html" };
    const list = await explain(rows, exact, html);
    expect(list.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(String(list.body).match(/<svg /g)).toHaveLength(rows.length);
    const curves = await explain(background, { method: "partial_dependence", points: 5 }, html);
    expect(String(curves.body).match(/<svg /g)).toHaveLength(4);
    expect(curves.body).toContain("Partial dependence on petal length (cm)");
    const svg = await explain(rows, exact, { accept: "image/svg+xml" });
    expect(svg.status).toBe(400);
    expect(svg.body).toMatchObject({
      code: "invalid_request",
      detail: expect.stringContaining("Accept text/html or application/json"),
    });
  });

  test("over many rows is streamed feature by feature", async () => {
    const parameters = { method: "permutation_importance", truth: background.map(() => "setosa") };
    const { headers, body } = await service.post(PATH, {
      inputs: background,
      parameters,
      stream: true,
    });
    expect(headers.get("content-type")).toMatch(/^text\/event-stream/);
    const events = [...String(body).matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
    expect(events).toEqual(expect.arrayContaining(["progress", "partial"]));
    expect(events.filter((name) => name === "partial")).toHaveLength(4);
    expect(body).toContain('"importances_mean":[');
  });
});
