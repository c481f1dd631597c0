import { beforeEach, describe, expect, test } from "vitest";
import { HeapTensor } from "../../../src/runtime/heap-tensor.ts";
import { OrtError, OrtInstance } from "../../../src/runtime/ort-instance.ts";
import { OrtSession } from "../../../src/runtime/ort-session.ts";
import { readCacheModel } from "../../support/cache-fixtures.ts";
import { floats, toNumbers } from "../../support/cache-runs.ts";
import { buildOnnx, type Graph } from "../../support/onnx-builder.ts";

/** Tensors that stay in the heap, below the leases that own them. */

const BLOCK_BYTES = 1024;
const WIDTH = 16;

let instance: OrtInstance;
let traffic: { bytesIn: number; bytesOut: number };

beforeEach(async () => {
  instance = await OrtInstance.create(() => false);
  traffic = { bytesIn: 0, bytesOut: 0 };
});

function load(bytes: Uint8Array): OrtSession {
  const address = instance.allocate(bytes.byteLength);
  instance.heap.set(bytes, address);
  const options = { format: "onnx", prepack: true } as const;
  return new OrtSession(instance, address, bytes.byteLength, options, traffic);
}

/** What can be allocated in an instance whose memory cannot grow. */
function freeBytes(): number {
  const { module } = instance;
  const blocks: number[] = [];
  for (let block = module._malloc(BLOCK_BYTES); block !== 0; block = module._malloc(BLOCK_BYTES))
    blocks.push(block);
  for (const block of blocks) module._free(block);
  return blocks.length * BLOCK_BYTES;
}

const row = (value: number) => floats("x", [1, 1, WIDTH], Array<number>(WIDTH).fill(value));

test("5000 runs that keep, bind and read leave the heap as it was", () => {
  const session = load(readCacheModel("growing").bytes);
  const step = (): void => {
    let past = HeapTensor.allocate(instance, "past", "FP32", [1, 0, WIDTH]);
    for (let i = 0; i < 4; i++) {
      const feeds = [row(i), { name: "past", tensor: past }];
      const [, present] = session.run(feeds, ["y", { name: "present", keep: true }]);
      past.release();
      past = present as HeapTensor;
    }
    past.read(traffic);
    const target = HeapTensor.allocate(instance, "present", "FP32", [1, 5, WIDTH]);
    const feeds = [row(5), { name: "past", tensor: past }];
    session.run(feeds, ["y", { name: "present", tensor: target }]);
    for (const tensor of [past, target]) tensor.release();
  };
  step();
  const before = freeBytes();
  for (let i = 0; i < 1000; i++) step();
  expect(freeBytes()).toBe(before);
});

test("a run with an output that cannot be kept leaves nothing of the other outputs behind", () => {
  const strings = { name: "s", datatype: "BYTES", shape: ["n"] } as const;
  const numbers = { name: "y", datatype: "FP32", shape: ["n"] } as const;
  const session = load(
    buildOnnx({
      inputs: [{ name: "x", datatype: "FP32", shape: ["n"] }],
      outputs: [numbers, strings],
      nodes: [
        { op: "Neg", inputs: ["x"], outputs: ["y"] },
        { op: "Cast", inputs: ["x"], outputs: ["s"], attributes: { to: { i: 8 } } },
      ],
    }),
  );
  const run = (): unknown =>
    session.run(
      [floats("x", [4], [1, 2, 3, 4])],
      [
        { name: "y", keep: true },
        { name: "s", keep: true },
      ],
    );
  expect(run).toThrow(OrtError);
  const before = freeBytes();
  for (let i = 0; i < 500; i++) expect(run).toThrow(OrtError);
  expect(freeBytes()).toBe(before);
});

describe("a bound tensor", () => {
  test("is written where it is, and is an input of the same run where the operator allows that", () => {
    const graph: Graph = {
      inputs: [{ name: "x", datatype: "FP32", shape: [4] }],
      outputs: [{ name: "y", datatype: "FP32", shape: [4] }],
      nodes: [{ op: "Neg", inputs: ["x"], outputs: ["y"] }],
    };
    const session = load(buildOnnx(graph));
    const [kept] = session.run([floats("x", [4], [1, 2, 3, 4])], [{ name: "y", keep: true }]);
    const tensor = kept as HeapTensor;
    const bytes = { ...traffic };
    for (let i = 0; i < 3; i++)
      expect(session.run([{ name: "x", tensor }], [{ name: "y", tensor }])).toEqual([tensor]);
    expect(traffic).toEqual(bytes);
    expect(toNumbers(tensor.read(traffic))).toEqual([1, 2, 3, 4]);
  });

  test.each([
    ["another shape", "FP32", [1, 3, WIDTH]],
    ["another rank", "FP32", [WIDTH]],
    ["another datatype", "INT32", [1, 1, WIDTH]],
    ["a datatype of twice the size", "FP64", [1, 1, WIDTH]],
    ["a datatype of a quarter of the size", "INT8", [1, 1, WIDTH]],
  ] as const)("of %s is refused, and nothing beside it is written", (_, datatype, shape) => {
    const session = load(readCacheModel("growing").bytes);
    const past = HeapTensor.allocate(instance, "past", "FP32", [1, 0, WIDTH]);
    const tensor = HeapTensor.allocate(instance, "present", datatype, shape);
    const guard = HeapTensor.allocate(instance, "guard", "FP32", [64]);
    const feeds = [row(7), { name: "past", tensor: past }];
    expect(() => session.run(feeds, ["y", { name: "present", tensor }])).toThrow(OrtError);
    expect(guard.read(traffic).data.every((byte) => byte === 0)).toBe(true);
  });
});

test("the bytes of tensors are counted, of texts as UTF-8", () => {
  const session = load(
    buildOnnx({
      inputs: [{ name: "x", datatype: "BYTES", shape: ["n"] }],
      outputs: [{ name: "y", datatype: "BYTES", shape: ["n"] }],
      nodes: [{ op: "Concat", inputs: ["x"], outputs: ["y"], attributes: { axis: { i: 0 } } }],
    }),
  );
  const data = ["é", "", "abc"];
  expect(session.run([{ name: "x", datatype: "BYTES", shape: [3], data }], ["y"])).toMatchObject([
    { data },
  ]);
  // Each text goes in with a NUL.
  expect(traffic).toEqual({ bytesIn: 5 + 3, bytesOut: 5 });
});
