import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import type { RequestEvent } from "../../src/domain/event.ts";
import { findModel } from "../support/publish.ts";
import { type Service, startService, type TestResponse } from "../support/service.ts";

/** What events tell of inputs and outputs, of models in isolates of their own and of answers from the cache. */

const { manifest } = findModel("iris-logistic");
const [LENGTH = "", WIDTH = ""] =
  manifest.preprocess?.type === "tabular" ? manifest.preprocess.columns : [];
const SECRET = 1234.5625;
const ROW = [SECRET, 3.5, 1.4, 0.2];
const INFER = "/v2/models/iris-logistic/infer";
const PREDICT = "/models/iris-logistic";

const tensor = (rows: readonly (readonly number[])[]) => ({
  inputs: [{ name: "features", datatype: "FP32", shape: [rows.length, 4], data: rows.flat() }],
});

let service: Service;

beforeAll(async () => {
  service = await startService({
    vars: {
      PLACEMENT: "own",
      CACHE_TIERS: "isolate",
      CATALOG_TTL_SECONDS: "3600",
      EVENT_SAMPLE_RATES: "language-identification=0",
      EVENT_SLOW_MS: "100000",
    },
    models: ["iris-logistic", "language-identification", "face-detection"],
  });
  const features = [
    { name: LENGTH, edges: [5, 6], counts: [1, 1, 1] },
    { name: WIDTH, edges: [3], counts: [1, 2] },
  ];
  await service.bucket.put(
    "models/iris-logistic/1/~profile.json",
    JSON.stringify({
      schemaVersion: 1,
      model: "iris-logistic",
      version: "1",
      modelSha256: manifest.files[0]?.sha256,
      rows: 3,
      createdAt: "2026-11-30T00:00:00.000Z",
      inputs: features.map((feature) => ({
        kind: "numeric",
        count: 3,
        missing: 0,
        mean: 1,
        deviation: 1,
        min: 0,
        max: 2,
        ...feature,
      })),
      outputs: [],
    }),
  );
});

afterAll(() => service?.dispose());

function eventOf({ headers }: TestResponse): Promise<RequestEvent> {
  return service.event(String(headers.get("x-request-id")));
}

describe("a model in an isolate of its own", () => {
  test("has its statistics, from the first request to a stored response", async () => {
    const events: RequestEvent[] = [];
    for (let time = 0; time < 4; time++)
      events.push(await eventOf(await service.post(INFER, tensor([ROW, ROW]))));
    expect(events.map(({ cache }) => cache?.outcome)).toEqual(["miss", "hit", "hit", "hit"]);
    expect(events.map(({ executions }) => executions)).toEqual([1, 0, 0, 0]);
    // Of a stored response nothing is parsed.
    expect(Object.keys(events[3]?.phasesMs ?? {})).not.toContain("parse");
    for (const event of events) {
      expect(event).toMatchObject({
        protocol: "open-inference",
        task: "tabular-classification",
        inferences: 2,
        profile: expect.stringMatching(/^[0-9a-f]{32}$/),
        // By ONNX Runtime for Python.
        outputs: { count: 2, rows: [{ label: "versicolor" }, { label: "versicolor" }] },
      });
      expect(event.inputs?.slice(0, 2)).toEqual([
        { name: LENGTH, kind: "numeric", count: 2, missing: 0 },
        { name: WIDTH, kind: "numeric", count: 2, missing: 0 },
      ]);
    }
    expect(events[0]).toMatchObject({
      queueMs: expect.any(Number),
      heapBytes: events[0]?.isolate?.usedBytes,
    });
  });

  test("has the same of a task, whose rows only the isolate reads", async () => {
    const rows = [4, 5, 5.5, 6.5, 7].map((length) => [length, 3, 1.4, 0.2]);
    for (const outcome of ["miss", "hit"]) {
      const event = await eventOf(await service.post(PREDICT, { inputs: rows }));
      expect(event).toMatchObject({ cache: { outcome }, inferences: 5, protocol: "task" });
      // numpy: mean 5.6, std 1.0677078252031311
      expect(event.inputs?.slice(0, 2)).toEqual([
        {
          name: LENGTH,
          kind: "numeric",
          count: 5,
          missing: 0,
          mean: expect.closeTo(5.6, 6),
          deviation: expect.closeTo(1.0677078252031311, 6),
          histogram: [2, 1, 2],
        },
        // All have the same width, which a bin of a single value would show.
        { name: WIDTH, kind: "numeric", count: 5, missing: 0 },
      ]);
      expect(event.outputs).toMatchObject({ count: 5, labels: { setosa: 5 } });
      expect(event.outputs?.rows).toHaveLength(5);
    }
  });

  test("pictures have their sizes, and objects that were found their labels", async () => {
    const photograph = readFileSync(projectPath("test", "fixtures", "images", "coffee.jpg"));
    const response = await service.post("/models/face-detection", {
      inputs: [photograph.toString("base64")],
    });
    expect(response.status).toBe(200);
    const size = (mean: number) => ({ mean, deviation: 0 });
    expect(await eventOf(response)).toMatchObject({
      inferences: 1,
      executions: 1,
      inputs: [
        {
          name: "image",
          kind: "image",
          count: 1,
          width: size(300),
          height: size(200),
          bytes: { mean: expect.closeTo(photograph.length, -1) },
        },
      ],
      outputs: { count: 0 },
    });
  });
});

test("of a model that is not sampled, errors and cold starts are written alone", async () => {
  const path = "/models/language-identification";
  const ids = ["sampled-good", "sampled-bad", "sampled-good-again"];
  const [, bad] = ids;
  for (const id of ids)
    await service.post(
      path,
      { inputs: id === bad ? 1 : `Number ${SECRET} of ${id}` },
      { "x-request-id": id },
    );
  // A later event, so that those before it have been written.
  await eventOf(await service.post(INFER, tensor([[1, 2, 3, 4]])));
  const written = service.logs
    .filter(({ message }) => message.startsWith('{"event":"request"'))
    .map(({ message }) => JSON.parse(message) as RequestEvent)
    .filter(({ model }) => model === "language-identification");
  expect(written.map(({ sampling }) => sampling)).toEqual([
    { rate: 1, reason: "cold_start" },
    { rate: 1, reason: "error" },
  ]);
  expect(written.map(({ requestId }) => requestId).slice(1)).toEqual([bad]);
  expect(written[0]).toMatchObject({
    inputs: [{ name: "text", kind: "text", count: 1, characters: { mean: 32, deviation: 0 } }],
  });
});

test("no event has a value of an input, and none of an output but labels and their probabilities", async () => {
  await eventOf(await service.post(PREDICT, { inputs: [ROW] }));
  await eventOf(await service.post(PREDICT, { inputs: Array.from({ length: 8 }, () => ROW) }));
  expect(service.logs.length).toBeGreaterThan(3);
  expect(service.logs.filter(({ message }) => message.includes(String(SECRET)))).toEqual([]);
});
