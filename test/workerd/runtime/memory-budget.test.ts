import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { readModelFolder } from "../../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../../scripts/project.ts";
import type { ModelId } from "../../../src/domain/model-id.ts";
import type { RuntimeStats } from "../../../src/domain/ports.ts";
import { ENGINE_BYTES } from "../../../src/runtime/cell.ts";
import type { AdministeredService } from "../../support/administration.ts";
import { ones, PRODUCT_COLUMNS, product } from "../../support/awkward-models.ts";
import { startHeldService } from "../../support/held-storage.ts";
import { blackPng } from "../../support/images.ts";
import type { Graph } from "../../support/onnx-builder.ts";
import { findModel } from "../../support/publish.ts";
import type { TestResponse } from "../../support/service.ts";
import { shareServices } from "../../support/shared-services.ts";
import { store } from "../../support/stored-model.ts";
import { readExpected } from "../../support/tensors.ts";

/** What is in memory, as `GET /admin/runtime` reports the real wasm memories. */

const MIB = 1_048_576;
/** A cell that has not grown; a model of 1 MiB of weights fits into it, and is too large to share. */
const CELL_BYTES = 16 * MIB;

/** The budget that models share. */
const SHARED = { PLACEMENT: "shared" };

const startShared = shareServices();
let service: AdministeredService;
let testNumber = 0;
/** When the test began. */
let before: RuntimeStats;

beforeEach(() => {
  testNumber += 1;
});

async function start(budgetBytes: number, models: readonly string[] = []): Promise<void> {
  await begin(await startShared({ ...SHARED, MEMORY_BUDGET_BYTES: `${budgetBytes}` }, models));
}

async function begin(started: AdministeredService): Promise<void> {
  service = started;
  before = await service.runtime();
}

/** What has happened since the test began. */
async function stats(): Promise<RuntimeStats> {
  const now = await service.runtime();
  return {
    ...now,
    loads: now.loads - before.loads,
    evictions: now.evictions - before.evictions,
    crashes: now.crashes - before.crashes,
  };
}

/** A model of this test alone: by another name a graph is another model. */
function own(graph: Graph): Graph {
  return { ...graph, name: `graph-${testNumber}` };
}

async function storeProducts(names: readonly string[]): Promise<void> {
  for (const [seed, name] of names.entries())
    await store(service.bucket, name, own(product(1, seed)));
}

function inferProduct(name: string): Promise<TestResponse> {
  const data = Array.from({ length: PRODUCT_COLUMNS }, (_, index) => index);
  const inputs = [{ name: "x", datatype: "FP32", shape: [1, PRODUCT_COLUMNS], data }];
  return service.post(`/v2/models/${name}/infer`, { inputs });
}

function inferOnes(shape: readonly number[]): Promise<TestResponse> {
  const inputs = [{ name: "s", datatype: "INT64", shape: [shape.length], data: shape }];
  return service.post("/v2/models/ones/infer", { inputs });
}

function loadedModels({ cells }: RuntimeStats): string[] {
  return cells.flatMap(({ models }) => models.map(({ name }: ModelId) => name)).sort();
}

function memoryBytes({ cells }: RuntimeStats): number {
  return cells.reduce((sum, cell) => sum + cell.memoryBytes, 0);
}

test("all tabular models of models/ share one cell", async () => {
  const tabular = readModelFolder(projectPath("models")).filter(
    ({ manifest: { preprocess } }) => preprocess?.type === "tabular",
  );
  const names = tabular.map(({ manifest }) => manifest.name);
  expect(names.length).toBeGreaterThanOrEqual(9);
  await start(96 * MIB, names);
  for (const { manifest } of tabular) {
    const inputs = manifest.example?.inputs;
    expect(await service.post(`/models/${manifest.name}`, { inputs })).toMatchObject({
      status: 200,
    });
  }
  const runtime = await stats();
  expect(runtime.cells).toMatchObject([{ shared: true }]);
  expect(loadedModels(runtime)).toEqual(names.sort());
  expect(runtime).toMatchObject({ loads: names.length, evictions: 0, crashes: 0 });
  expect(runtime.usedBytes).toBe(memoryBytes(runtime));
  expect(runtime.usedBytes).toBeLessThanOrEqual(32 * MIB);
});

describe("a budget of three cells", () => {
  const names = ["first", "second", "third", "fourth"];

  test("a budget of three cells evicts the least recently used model", async () => {
    await start(3 * CELL_BYTES);
    await storeProducts(names);
    for (const name of ["first", "second", "third", "first"]) await inferProduct(name);
    expect(await stats()).toMatchObject({ loads: 3, evictions: 0 });

    expect(await inferProduct("fourth")).toMatchObject({ status: 200 });
    let runtime = await stats();
    expect(loadedModels(runtime)).toEqual(["first", "fourth", "third"]);
    expect(runtime).toMatchObject({ loads: 4, evictions: 1, usedBytes: 3 * CELL_BYTES });

    expect(await inferProduct("second")).toMatchObject({ status: 200 });
    runtime = await stats();
    expect(loadedModels(runtime)).toEqual(["first", "fourth", "second"]);
    expect(runtime).toMatchObject({ loads: 5, evictions: 2, usedBytes: 3 * CELL_BYTES });
  });

  test("the memory of a deleted model is freed", async () => {
    await start(3 * CELL_BYTES);
    await storeProducts(["first", "deleted", "third", "fourth"]);
    for (const name of ["first", "deleted", "third"]) await inferProduct(name);
    await service.administer("/models/deleted/versions/1", { method: "DELETE" });
    expect(await stats()).toMatchObject({ usedBytes: 2 * CELL_BYTES });
    await inferProduct("fourth");
    const runtime = await stats();
    expect(loadedModels(runtime)).toEqual(["first", "fourth", "third"]);
    expect(memoryBytes(runtime)).toBe(3 * CELL_BYTES);
  });

  test("several models are evicted for one that needs most of the budget", async () => {
    await start(3 * CELL_BYTES);
    await storeProducts(["first", "second", "third"]);
    const runtime = { prepack: true, warmUp: false, heapBytes: 36 * MIB };
    await store(service.bucket, "large", own(product(1, 9)), { runtime });
    for (const name of ["first", "second", "third", "large"])
      expect(await inferProduct(name)).toMatchObject({ status: 200 });
    const after = await stats();
    expect(loadedModels(after)).toEqual(["large"]);
    expect(after).toMatchObject({ evictions: 3, usedBytes: CELL_BYTES });
  });
});

describe("a run that needs more memory", () => {
  /** 24 MiB of FP32. */
  const LARGE = [6, 1024, 1024];
  /** 400 MB of FP32, over any budget. */
  const HUGE = [10_000, 10_000];

  test("a run that needs more memory evicts the least recently used model", async () => {
    await start(4 * CELL_BYTES);
    await storeProducts(["first", "second"]);
    await store(service.bucket, "ones", own(ones));
    await inferProduct("first");
    await inferProduct("second");
    await inferOnes([1]);
    expect(await stats()).toMatchObject({ usedBytes: 3 * CELL_BYTES });

    const response = await inferOnes(LARGE);
    expect(response).toMatchObject({ status: 200, body: { outputs: [{ data: [6_291_456] }] } });
    const runtime = await stats();
    expect(loadedModels(runtime)).toEqual(["ones", "second"]);
    expect(memoryBytes(runtime)).toBeGreaterThan(CELL_BYTES + 24 * MIB);
    expect(memoryBytes(runtime)).toBeLessThanOrEqual(4 * CELL_BYTES);
    expect(runtime.usedBytes).toBe(memoryBytes(runtime));
  });

  test("a run that needs more memory than the budget evicts no other cell", async () => {
    await start(4 * CELL_BYTES);
    await storeProducts(["first", "second"]);
    await store(service.bucket, "ones", own(ones));
    await inferProduct("first");
    await inferProduct("second");
    expect(await inferOnes(HUGE)).toMatchObject({ status: 507, body: { code: "out_of_memory" } });
    const runtime = await stats();
    expect(loadedModels(runtime)).toEqual(["first", "second"]);
    expect(runtime).toMatchObject({ loads: 3, crashes: 1, usedBytes: 2 * CELL_BYTES });
  });

  test("a run that lacks memory while another model is loaded is repeated, and fails no other request", async () => {
    const held = await startHeldService({
      ...SHARED,
      MEMORY_BUDGET_BYTES: `${4 * CELL_BYTES}`,
    });
    onTestFinished(() => held.dispose());
    await begin(held);
    await store(service.bucket, "ones", own(ones));
    const runtime = { prepack: true, warmUp: false, heapBytes: 30 * MIB };
    await store(service.bucket, "large", own(product(1, 9)), { runtime });
    expect(await inferOnes([1])).toMatchObject({ status: 200 });

    await held.hold();
    const load = inferProduct("large");
    await held.storage(({ holding }) => holding === 1);
    const run = inferOnes(LARGE);
    // Its cell is lost, for lack of memory that another load holds.
    await held.storage(({ holding }) => holding === 2);
    await held.release();
    expect(await load).toMatchObject({ status: 200 });
    // The first attempts may be before the other model is loaded.
    const response = await run;
    if (response.status === 429)
      expect(response.body).toMatchObject({
        code: "overloaded",
        details: { retryAfterSeconds: 1 },
      });
    else expect(response).toMatchObject({ status: 200 });
    expect(await inferOnes(LARGE)).toMatchObject({
      status: 200,
      body: { outputs: [{ data: [6_291_456] }] },
    });
  });
});

describe("a model that cannot fit", () => {
  /** Its file is missing: reading it fails with 503. */
  async function storeWithoutFile(name: string, heapBytes: number | undefined, sizeBytes: number) {
    const graph = own(product(1, 0));
    const { files } = await store(service.bucket, name, graph);
    const [file] = files;
    if (!file) throw new Error("the manifest has no file");
    await store(service.bucket, name, graph, {
      files: [{ ...file, sizeBytes }],
      runtime: { prepack: true, warmUp: false, ...(heapBytes === undefined ? {} : { heapBytes }) },
    });
    await service.bucket.delete(`models/${name}/1/model.onnx`);
  }

  test.each([
    ["by its manifest", 55 * MIB, MIB],
    ["by the size of its file", undefined, 55 * MIB],
  ])("%s is refused with both figures before its file is read", async (_, heap, size) => {
    await start(4 * CELL_BYTES);
    await storeWithoutFile("large", heap, size);
    const response = await inferProduct("large");
    const neededBytes = 55 * MIB + ENGINE_BYTES;
    expect(response).toMatchObject({
      status: 507,
      body: {
        code: "model_too_large",
        error: expect.stringMatching(
          /^model "large" version 1 needs at least 65 MiB of memory, more than the budget of 64 MiB \(MEMORY_BUDGET_BYTES\)\. Convert the model to ORT format, .*int8/,
        ),
        details: { neededBytes, budgetBytes: 4 * CELL_BYTES },
      },
    });
    expect(await service.request("/v2/models/large/ready")).toMatchObject({
      status: 503,
      body: { state: "failed", reason: expect.stringContaining("MEMORY_BUDGET_BYTES") },
    });
    expect(await stats()).toMatchObject({ loads: 0, cells: [] });

    // The same without the fault that is tested: now its file is looked for.
    await storeWithoutFile("small", 2 * MIB, MIB);
    expect(await inferProduct("small")).toMatchObject({ body: { code: "model_missing" } });
  });
});

test.each(["imagenet-classification", "sentence-embeddings"])(
  "%s runs within an engine and the heap of its manifest",
  async (name) => {
    const { heapBytes = 0 } = findModel(name).manifest.runtime;
    await start(ENGINE_BYTES + heapBytes, [name]);
    const { inputs } = readExpected(name);
    expect(await service.post(`/v2/models/${name}/infer`, { inputs })).toMatchObject({
      status: 200,
    });
    expect(await stats()).toMatchObject({ loads: 1, crashes: 0 });
  },
);

test("the codec of a large image evicts an idle model, and is released for a model", async () => {
  const budgetBytes = 64 * MIB;
  await start(budgetBytes, ["face-detection"]);
  await storeProducts(["idle"]);
  const detect = (file: Uint8Array<ArrayBuffer>): Promise<TestResponse> =>
    service.request("/models/face-detection", {
      method: "POST",
      body: file,
      headers: { "content-type": "image/png" },
    });
  expect(await inferProduct("idle")).toMatchObject({ status: 200 });
  expect(await detect(blackPng(100, 100))).toMatchObject({ status: 200 });
  expect(loadedModels(await stats())).toEqual(["face-detection", "idle"]);
  // Black as grey levels: 5.3 bytes of decoder memory for a pixel, 61 MB.
  expect(await detect(blackPng(3400, 3400))).toMatchObject({ status: 200 });
  const during = await stats();
  expect(loadedModels(during)).not.toContain("idle");
  expect(during.usedBytes).toBeLessThanOrEqual(budgetBytes);
  expect(await inferProduct("idle")).toMatchObject({ status: 200 });
  const after = await stats();
  expect(loadedModels(after)).toContain("idle");
  expect(after.usedBytes).toBeLessThanOrEqual(budgetBytes);
});
