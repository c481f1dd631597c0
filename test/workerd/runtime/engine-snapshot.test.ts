import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import factory from "onnxruntime-web/ort-wasm-simd-threaded.mjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModelFile, readModelFolder } from "../../../packages/cli/src/local/model-folder.ts";
import {
  type EngineMemory,
  type Engines,
  engineIdentity,
  SNAPSHOT_FILE,
  startEngines,
  toSnapshot,
  WARM_UP_MODEL,
} from "../../../scripts/engine-snapshot.ts";
import { projectPath } from "../../../scripts/project.ts";
import { type Tensor, toBytes } from "../../../src/domain/tensor.ts";
import { CELL_START_BYTES, ENGINE_BYTES } from "../../../src/runtime/cell.ts";
import type { SessionOptions } from "../../../src/runtime/create-session.ts";
import { EngineSnapshot, type SnapshotHeader } from "../../../src/runtime/engine-snapshot.ts";
import { OrtInstance } from "../../../src/runtime/ort-instance.ts";
import { instantiateOrtModule } from "../../../src/runtime/ort-module.ts";
import { OrtSession } from "../../../src/runtime/ort-session.ts";
import { startAdministeredService } from "../../support/administration.ts";
import { PRODUCT_COLUMNS, product } from "../../support/awkward-models.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import { store } from "../../support/stored-model.ts";
import { readExpected, type WireTensor } from "../../support/tensors.ts";
import { exportGlobals } from "../../support/wasm-globals.ts";

/** An engine that is copied from a snapshot, compared with one that was started. */

const committed = new Uint8Array(readFileSync(SNAPSHOT_FILE));

test("the snapshot is one of the onnxruntime-web installed", () => {
  const { onnxruntimeWeb, wasmSha256 } = new EngineSnapshot(committed.buffer).header;
  expect(
    { onnxruntimeWeb, wasmSha256 },
    "src/runtime/engine-snapshot.bin is of another engine: run `npm run snapshot`, and commit the file",
  ).toEqual(engineIdentity());
});

describe("in workerd, as the Worker is built", () => {
  let engines: Engines;
  let fresh: EngineMemory;
  let started: EngineMemory;

  beforeAll(async () => {
    engines = await startEngines();
    fresh = await engines.fresh();
    started = await engines.started();
  });

  afterAll(() => engines?.dispose());

  test("the snapshot is reproducible to the last byte", () => {
    expect(
      Buffer.compare(toSnapshot(fresh, started), committed),
      "src/runtime/engine-snapshot.bin is not what `npm run snapshot` writes: run it, and commit that",
    ).toBe(0);
  });

  test("the engine it is copied to has the memory of the one that started, to the last byte", async () => {
    const restored = await engines.restored(committed);
    expect(Buffer.compare(restored?.bytes ?? Buffer.alloc(0), started.bytes)).toBe(0);
    expect(Buffer.compare(fresh.bytes, started.bytes)).not.toBe(0);
    expect(restored?.stackPointer).toBe(started.stackPointer);
  });

  test("it takes what the budget counts for an engine, and at most half a MiB less", async () => {
    const takenBytes = CELL_START_BYTES - (await engines.freeBytes(committed));
    expect(takenBytes).toBeLessThanOrEqual(ENGINE_BYTES);
    expect(takenBytes).toBeGreaterThan(ENGINE_BYTES - 524_288);
  });

  test.each<[what: string, change: (header: SnapshotHeader) => Partial<SnapshotHeader>]>([
    ["another memory", ({ fingerprint }) => ({ fingerprint: fingerprint ^ 1 })],
    ["a memory of another size", ({ memoryBytes }) => ({ memoryBytes: 2 * memoryBytes })],
    ["another stack", ({ stackPointer }) => ({ stackPointer: stackPointer - 16 })],
  ])("a snapshot of an engine with %s does not fit", async (_, change) => {
    expect(await engines.restored(changed(committed, change))).toBeUndefined();
  });

  test("the cells of the Worker start from it", async () => {
    const service = await startAdministeredService();
    try {
      await store(service.bucket, "product", product(1, 1));
      const data = Array.from({ length: PRODUCT_COLUMNS }, () => 1);
      const inputs = [{ name: "x", datatype: "FP32", shape: [1, PRODUCT_COLUMNS], data }];
      await service.post("/v2/models/product/infer", { inputs });
      expect(await service.runtime()).toMatchObject({ cells: [{ fromSnapshot: true }] });
    } finally {
      await service.dispose();
    }
  });
});

/** Its memory differs from workerd's by the environment, so it has a snapshot of its own. */
describe("in Node", () => {
  let snapshot: EngineSnapshot;

  beforeAll(async () => {
    const { module, memory } = await instantiateOrtModule();
    const stackPointer = module.stackSave();
    const started = await OrtInstance.create(() => true);
    load(started, WARM_UP_MODEL, { format: "onnx", prepack: true }).release();
    const bytes = toSnapshot(
      { bytes: new Uint8Array(memory.buffer), stackPointer },
      { bytes: started.heap, stackPointer: started.module.stackSave() },
    );
    snapshot = new EngineSnapshot(bytes.buffer);
  });

  test.each(
    readModelFolder(projectPath("models")).map((model) => ({ ...model, ...model.manifest })),
  )("$name has the same outputs as without a snapshot, bit by bit", async (model) => {
    const bytes = readModelFile(model, model.manifest.file);
    const options = { format: model.manifest.format, prepack: model.manifest.runtime.prepack };
    const inputs = readExpected(model.manifest.name).inputs.map(toTensor);
    const results = [];
    for (const used of [undefined, snapshot]) {
      const instance = await OrtInstance.create(() => true, used);
      expect(instance.fromSnapshot).toBe(used !== undefined);
      const session = load(instance, bytes, options);
      const names = session.describe().outputs.map(({ name }) => name);
      results.push([session.run(inputs, names), session.run(inputs, names)]);
    }
    expect(results[0]?.[0]?.length).toBeGreaterThan(0);
    expect(results[1]).toEqual(results[0]);
  });

  test("an engine that it does not fit is started", async () => {
    const instance = await OrtInstance.create(() => true, new EngineSnapshot(committed.buffer));
    expect(instance.fromSnapshot).toBe(false);
    const session = load(instance, WARM_UP_MODEL, { format: "onnx", prepack: true });
    const data = toBytes(Float32Array.of(7));
    expect(session.run([{ name: "x", datatype: "FP32", shape: [1], data }], ["y"])).toEqual([
      { name: "y", datatype: "FP32", shape: [1], data },
    ]);
  });

  test("no two engines draw the same random numbers", async () => {
    const y = { name: "y", datatype: "FP32", shape: [64] } as const;
    const random = buildOnnx({
      outputs: [y],
      nodes: [{ op: "RandomNormal", outputs: ["y"], attributes: { shape: { ints: [64] } } }],
    });
    const drawn = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const instance = await OrtInstance.create(() => true, snapshot);
      const session = load(instance, random, { format: "onnx", prepack: true });
      drawn.add(JSON.stringify(session.run([], ["y"])));
    }
    expect(drawn.size).toBe(5);
  });

  test("outside of its memory a start changes nothing", async () => {
    const file = fileURLToPath(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
    const wasm = Reflect.construct(WebAssembly.Module, [exportGlobals(readFileSync(file))]);
    let exports: WebAssembly.Exports = {};
    let heap = new Uint8Array();
    const module = await factory({
      numThreads: 1,
      instantiateWasm(imports, done) {
        const instance = new WebAssembly.Instance(wasm, imports);
        for (const value of Object.values(imports).flatMap((names) => Object.values(names)))
          if (value instanceof WebAssembly.Memory) heap = new Uint8Array(value.buffer);
        exports = instance.exports;
        done(instance, wasm);
        return exports;
      },
    });
    const state = () =>
      Object.entries(exports).flatMap(([name, value]) => {
        if (value instanceof WebAssembly.Global) return [[name, value.value]];
        if (!(value instanceof WebAssembly.Table)) return [];
        return Array.from({ length: value.length }, (_, index) => [index, value.get(index)]);
      });
    const before = state();
    expect(before.filter(([name]) => `${name}`.startsWith("global")).length).toBeGreaterThan(0);
    expect(before.length).toBeGreaterThan(20_000);

    expect(module._OrtInit(1, 4)).toBe(0);
    const address = module._malloc(WARM_UP_MODEL.byteLength);
    heap.set(WARM_UP_MODEL, address);
    const options = module._OrtCreateSessionOptions(99, false, false, 0, false, 0, 0, 4, 0, 0);
    const session = module._OrtCreateSession(address, WARM_UP_MODEL.byteLength, options);
    expect(session).not.toBe(0);
    module._OrtReleaseSession(session);
    const after = state();
    expect(after.length).toBe(before.length);
    expect(after.filter(([, value], index) => value !== before[index]?.[1])).toEqual([]);
  });
});

describe("an incomplete file is refused", () => {
  test.each([
    ["without its last byte", committed.slice(0, -1), "bytes instead of"],
    ["without anything", new Uint8Array(), "npm run snapshot"],
  ])("%s", (_, bytes, message) => {
    expect(() => new EngineSnapshot(bytes.buffer)).toThrow(message);
  });
});

function load(instance: OrtInstance, model: Uint8Array, options: SessionOptions): OrtSession {
  const address = instance.allocate(model.byteLength);
  instance.heap.set(model, address);
  return new OrtSession(instance, address, model.byteLength, options);
}

/** Of the datatypes that the fixtures have. */
const ARRAYS = {
  FP32: (data: readonly number[]) => Float32Array.from(data),
  INT64: (data: readonly number[]) => BigInt64Array.from(data, BigInt),
  UINT8: (data: readonly number[]) => Uint8Array.from(data),
};

function toTensor({ name, datatype, shape, data }: WireTensor): Tensor {
  const toArray = Object.hasOwn(ARRAYS, datatype) && ARRAYS[datatype as keyof typeof ARRAYS];
  if (!toArray) throw new Error(`no inputs of ${datatype} are expected`);
  return { name, datatype: datatype as keyof typeof ARRAYS, shape, data: toBytes(toArray(data)) };
}

function changed(
  snapshot: Uint8Array<ArrayBuffer>,
  change: (header: SnapshotHeader) => Partial<SnapshotHeader>,
): Uint8Array<ArrayBuffer> {
  const { header } = new EngineSnapshot(snapshot.buffer);
  const line = `${JSON.stringify({ ...header, ...change(header) })}\n`;
  const bytes = snapshot.subarray(snapshot.indexOf(0x0a) + 1);
  return new Uint8Array(Buffer.concat([Buffer.from(line), bytes]));
}
