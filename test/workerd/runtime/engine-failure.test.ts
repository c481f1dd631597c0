import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toOrtFormat } from "../../../scripts/ort-format.ts";
import { projectPath } from "../../../scripts/project.ts";
import type { RuntimeStats } from "../../../src/domain/ports.ts";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import {
  constantOnes,
  ones,
  PRODUCT_COLUMNS,
  path,
  product,
  quotient,
  sum,
} from "../../support/awkward-models.ts";
import { buildOnnx, type Graph } from "../../support/onnx-builder.ts";
import type { TestResponse } from "../../support/service.ts";
import { store } from "../../support/stored-model.ts";

/** Models and inputs that crash the engine or exhaust its memory, without affecting other models. */

let service: AdministeredService;
let testNumber = 0;
/** When the test began. */
let before: RuntimeStats;

beforeAll(async () => {
  service = await startAdministeredService({ vars: { PLACEMENT: "shared" } });
});

afterAll(() => service?.dispose());

/** Nothing in memory, and models that have never crashed: by another name a graph is another model. */
beforeEach(async () => {
  await service.unloadAll();
  testNumber += 1;
  const graphs = { ones, quotient, neighbour: sum(1), dedicated: product(1, 1) };
  for (const [name, graph] of Object.entries(graphs)) await store(service.bucket, name, own(graph));
  before = await service.runtime();
});

/** A model of this test alone. */
function own(graph: Graph): Graph {
  return { ...graph, name: `graph-${testNumber}` };
}

/** What has happened since the test began. */
async function runtime(): Promise<RuntimeStats> {
  const now = await service.runtime();
  const { loads, crashes } = now;
  return { ...now, loads: loads - before.loads, crashes: crashes - before.crashes };
}

function inferOnes(shape: readonly (number | string)[]): Promise<TestResponse> {
  const inputs = [{ name: "s", datatype: "INT64", shape: [shape.length], data: shape }];
  return service.post("/v2/models/ones/infer", { inputs });
}

function divide(a: number, b: number): Promise<TestResponse> {
  const inputs = Object.entries({ a, b }).map(([name, value]) => ({
    name,
    datatype: "INT32",
    shape: [1],
    data: [value],
  }));
  return service.post("/v2/models/quotient/infer", { inputs });
}

/** A small model that shares a cell with the others. */
async function expectNeighbourRuns(): Promise<void> {
  const inputs = [{ name: "x", datatype: "FP32", shape: [2], data: [1, 2] }];
  const response = await service.post("/v2/models/neighbour/infer", { inputs });
  expect(response).toMatchObject({ status: 200, body: { outputs: [{ data: [2, 3] }] } });
}

/** A model too large to share a cell. */
async function expectDedicatedRuns(): Promise<void> {
  const data = Array.from({ length: PRODUCT_COLUMNS }, () => 0);
  const inputs = [{ name: "x", datatype: "FP32", shape: [1, PRODUCT_COLUMNS], data }];
  const response = await service.post("/v2/models/dedicated/infer", { inputs });
  expect(response).toMatchObject({ status: 200, body: { outputs: [{ shape: [1, 1024] }] } });
}

/** The names in each cell. */
function cells(runtime: RuntimeStats): { shared: boolean; models: string[] }[] {
  return runtime.cells.map(({ shared, models }) => ({
    shared,
    models: models.map(({ name }) => name).sort(),
  }));
}

const INT32_MIN = -(2 ** 31);

/** Two ways to lose a cell during a run, after which the model runs again. */
describe.each([
  {
    what: "an input that takes more memory than there is",
    name: "ones",
    provoke: () => inferOnes([10_000, 10_000]),
    failure: { status: 507, body: { code: "out_of_memory" } },
    message:
      /model "ones" version 1 needs more memory with this input than the budget of 96 MiB \(MEMORY_BUDGET_BYTES\) allows\. Send a smaller input/,
    infer: () => inferOnes([10, 10]),
    data: [100],
  },
  {
    what: "a trap of the engine",
    name: "quotient",
    provoke: () => divide(INT32_MIN, -1),
    failure: { status: 500, body: { code: "engine_crashed" } },
    message: /engine crashed while it ran model "quotient" version 1/,
    infer: () => divide(INT32_MIN, 2),
    data: [INT32_MIN / 2],
  },
])("$what", ({ name, provoke, failure, message, infer, data }) => {
  const success = { status: 200, body: { outputs: [{ data }] } };

  test("fails its request, and the next one succeeds", async () => {
    expect(await infer()).toMatchObject(success);
    const response = await provoke();
    expect(response).toMatchObject(failure);
    expect(response.body).toMatchObject({ error: expect.stringMatching(message) });
    expect(await runtime()).toMatchObject({ crashes: 1, cells: [], usedBytes: 0 });
    expect(await infer()).toMatchObject(success);
    expect(await runtime()).toMatchObject({ crashes: 1, loads: 2 });
  });

  test("drops its cell, and no other one", async () => {
    await infer();
    await expectNeighbourRuns();
    await expectDedicatedRuns();
    expect(cells(await runtime())).toEqual([
      { shared: true, models: ["neighbour", name].sort() },
      { shared: false, models: ["dedicated"] },
    ]);
    await provoke();
    expect(cells(await runtime())).toEqual([{ shared: false, models: ["dedicated"] }]);
    const { loads } = await runtime();
    await expectDedicatedRuns();
    expect(await runtime()).toMatchObject({ loads });
    await expectNeighbourRuns();
    expect(await runtime()).toMatchObject({ loads: loads + 1 });
  });

  test("the first time leaves its model in the shared cell", async () => {
    await expectNeighbourRuns();
    await provoke();
    expect(await infer()).toMatchObject(success);
    await expectNeighbourRuns();
    expect(cells(await runtime())).toEqual([{ shared: true, models: ["neighbour", name].sort() }]);
  });

  test("the second time moves its model to a dedicated cell", async () => {
    await expectNeighbourRuns();
    await provoke();
    await provoke();
    expect(await infer()).toMatchObject(success);
    await expectNeighbourRuns();
    expect(cells(await runtime())).toEqual([
      { shared: false, models: [name] },
      { shared: true, models: ["neighbour"] },
    ]);

    const { loads } = await runtime();
    expect(await provoke()).toMatchObject(failure);
    await expectNeighbourRuns();
    expect(await infer()).toMatchObject(success);
    const after = await runtime();
    expect(after).toMatchObject({ loads: loads + 1, crashes: 3 });
    expect(cells(after)).toEqual([
      { shared: true, models: ["neighbour"] },
      { shared: false, models: [name] },
    ]);
  });

  test("does not fail concurrent requests", async () => {
    await infer();
    const provoked: Promise<TestResponse>[] = [];
    const others: Promise<void>[] = [];
    // Each of them is repeated when another one loses its cell, up to five times.
    for (let round = 0; round < 4; round++) {
      provoked.push(provoke());
      others.push(expectNeighbourRuns(), expectDedicatedRuns());
    }
    await Promise.all(others);
    for (const response of await Promise.all(provoked)) expect(response).toMatchObject(failure);
    expect(await infer()).toMatchObject(success);
  });
});

describe("an input of excessive size", () => {
  test.each<[what: string, shape: (number | string)[], reason: RegExp]>([
    ["more elements than fit a size", [2 ** 31, 2 ** 31], /too large|overflow/],
    ["a product that overflows to 0", ["4611686018427387904", 4], /overflow/],
    ["the largest dimension there is", ["9223372036854775807"], /too large|overflow/],
    ["a negative dimension", [-5], /must be >= 0/],
  ])("(%s) is refused, and costs no cell", async (_, shape, reason) => {
    await inferOnes([1]);
    const response = await inferOnes(shape);
    expect(response).toMatchObject({ status: 400, body: { code: "inference_failed" } });
    expect(response.body).toMatchObject({ error: expect.stringMatching(reason) });
    expect(await runtime()).toMatchObject({ crashes: 0, loads: 1 });
  });

  test("an input of almost 4 GiB, which cannot be allocated, fails with out_of_memory", async () => {
    const response = await inferOnes([32_700, 32_700]);
    expect(response).toMatchObject({ status: 507, body: { code: "out_of_memory" } });
    await expectNeighbourRuns();
  });
});

test("a refusal of the engine drops no cell", async () => {
  const response = await divide(1, 0);
  expect(response).toMatchObject({ status: 400, body: { code: "inference_failed" } });
  expect(response.body).toMatchObject({ error: expect.stringContaining("division by zero") });
  expect(await divide(6, 3)).toMatchObject({ body: { outputs: [{ data: [2] }] } });
  expect(await runtime()).toMatchObject({ crashes: 0, loads: 1 });
});

describe("a model that breaks the engine when it is loaded", () => {
  test.each([
    ["overflows its stack", path(6000), { status: 500, body: { code: "engine_crashed" } }],
    [
      "exhausts the memory",
      constantOnes([10_000n, 10_000n]),
      { status: 507, body: { code: "out_of_memory" } },
    ],
  ])("(%s) is not published, and harms no other cell", async (_, graph, failure) => {
    await expectDedicatedRuns();
    const response = await service.publish("breaker", own(graph));
    expect(response).toMatchObject(failure);
    expect(response.body).toMatchObject({ detail: expect.stringMatching(/model "breaker"/) });
    expect(await service.bucket.list({ prefix: "models/breaker/" })).toMatchObject({ objects: [] });
    const { loads, crashes } = await runtime();
    expect(crashes).toBe(1);
    await expectDedicatedRuns();
    expect(await runtime()).toMatchObject({ loads });
    await expectNeighbourRuns();
  });

  test("fails each request with its reason once it is in storage", async () => {
    await store(service.bucket, "stored-breaker", own(path(6000)));
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 1], data: [1] }];
    for (let attempt = 0; attempt < 3; attempt++) {
      const response = await service.post("/v2/models/stored-breaker/infer", { inputs });
      expect(response).toMatchObject({ status: 500, body: { code: "engine_crashed" } });
      expect(response.body).toMatchObject({
        error: expect.stringContaining('crashed while it loaded model "stored-breaker" version 1'),
      });
    }
    await expectNeighbourRuns();
    const { loads } = await runtime();
    await service.post("/v2/models/stored-breaker/infer", { inputs });
    await expectNeighbourRuns();
    expect(await runtime()).toMatchObject({ loads: loads + 1 });
  });
});

describe("a damaged file in ORT format", () => {
  test("a damaged ORT file is either refused or a valid model, independent of the position of the damage", async () => {
    const file = projectPath("models", "digits-cnn", "1", "model.onnx");
    const ort = await toOrtFormat(readFileSync(file), "all");
    const codes = new Set<unknown>();
    for (const position of positions(ort.length, 60)) {
      const damaged = ort.slice();
      damaged.fill(0xff, position, position + 4);
      const response = await service.publish(`damaged-${position}`, damaged);
      codes.add((response.body as { code?: string }).code ?? response.status);
      await expectNeighbourRuns();
    }
    for (const length of positions(ort.length, 10)) {
      const response = await service.publish(`cut-${length}`, ort.slice(0, length));
      expect(response).toMatchObject({ status: 400, body: { code: "invalid_model" } });
    }
    expect([...codes].sort()).toEqual([201, "invalid_model"]);
    expect(await runtime()).toMatchObject({ crashes: 0 });
  });

  /** Spread over the file, after its identifier. */
  function positions(sizeBytes: number, count: number): number[] {
    const step = Math.floor((sizeBytes - 16) / count);
    return Array.from({ length: count }, (_, index) => 8 + index * step);
  }
});

test("bytes that are not a model are refused", async () => {
  for (const bytes of [
    new Uint8Array(1),
    new Uint8Array(5000).fill(0xff),
    buildOnnx(sum(1)).slice(3),
  ])
    expect(await service.publish("garbage", bytes)).toMatchObject({
      status: 400,
      body: { code: "invalid_model" },
    });
  expect(await runtime()).toMatchObject({ crashes: 0 });
});
