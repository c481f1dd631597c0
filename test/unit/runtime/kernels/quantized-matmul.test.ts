import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import {
  OPERATION_INDEX,
  QuantizedMatmul,
} from "../../../../src/runtime/kernels/quantized-matmul.ts";
import {
  computeProduct,
  placeProduct,
  type QuantizedOperation,
  type QuantizedProduct,
} from "../../../../src/runtime/kernels/quantized-product.ts";
import { OrtInstance } from "../../../../src/runtime/ort-instance.ts";
import { randomNumbers } from "../../../support/constrained-texts.ts";

/** Products by the function of this project and by the engine's own, from the same build, in the same memory. */

const PRODUCTS = 4000;

let instance: OrtInstance;
let matmul: QuantizedMatmul | undefined;
let original: QuantizedOperation;
let replaced: QuantizedOperation;

beforeAll(async () => {
  instance = await OrtInstance.create(() => true);
  original = instance.table.get(OPERATION_INDEX);
  matmul = QuantizedMatmul.install(instance);
  replaced = instance.table.get(OPERATION_INDEX);
});

test("the committed module is that of the committed source", () => {
  const folder = projectPath("src", "runtime", "kernels");
  const digest = (file: string) =>
    createHash("sha256")
      .update(readFileSync(`${folder}/${file}`))
      .digest("hex");
  const built = JSON.parse(readFileSync(`${folder}/quantized-matmul.json`, "utf8"));
  expect(built).toEqual({
    compiler: expect.stringMatching(/^ziglang \d/),
    "quantized-matmul.c": digest("quantized-matmul.c"),
    "quantized-matmul.wasm": digest("quantized-matmul.wasm"),
  });
});

test("an engine of another build keeps its function", async () => {
  const other = await OrtInstance.create(() => true);
  const table = new WebAssembly.Table({ element: "anyfunc", initial: other.table.length + 1 });
  table.set(OPERATION_INDEX, other.table.get(OPERATION_INDEX));
  const before = table.get(OPERATION_INDEX);
  expect(
    QuantizedMatmul.install(Object.create(other, { table: { value: table } })),
  ).toBeUndefined();
  expect(table.get(OPERATION_INDEX)).toBe(before);
});

test("an engine whose function computes something else keeps it", async () => {
  const other = await OrtInstance.create(() => true);
  // Of the same form, and does nothing.
  const imposter = new WebAssembly.Instance(compile(NOTHING)).exports.nothing;
  other.table.set(OPERATION_INDEX, imposter as QuantizedOperation);
  expect(QuantizedMatmul.install(other)).toBeUndefined();
  expect(other.table.get(OPERATION_INDEX)).toBe(imposter);
});

describe("where the machine has the dot product", () => {
  test("products of random shapes, signs, zero points and sums are those of the engine", (context) => {
    if (!matmul) return context.skip("its relaxed dot product saturates or is unknown");
    const random = randomNumbers(1);
    for (let i = 0; i < PRODUCTS; i++) {
      const product = randomProduct(random);
      const expected = computeProduct(instance, original, product);
      const actual = computeProduct(instance, replaced, product);
      expect(actual, describeProduct(product)).toEqual(expected);
    }
  });

  test("products with packed weights are those of the engine", (context) => {
    if (!matmul) return context.skip("its relaxed dot product saturates or is unknown");
    const random = randomNumbers(2);
    for (let i = 0; i < PRODUCTS / 10; i++) {
      const product = { ...randomProduct(random), aIsSigned: false };
      const expected = computeProduct(instance, original, product);
      const placed = placeProduct(instance, product);
      const run = () => {
        replaced(placed.shape, placed.data, 0, product.rows, 0, product.columns);
        return placed.read();
      };
      const weights = matmul.weights(placed.b, placed.b + product.b.byteLength);
      const sum = product.c !== undefined;
      const first = run();
      expect(first).toEqual(expected);
      expect(weights?.unpackedBytes).toBeGreaterThanOrEqual(product.b.byteLength);
      weights?.pack();
      expect(weights?.unpackedBytes).toBe(0);
      // A product that is added to is another one the second time.
      if (!sum) expect(run(), describeProduct(product)).toEqual(expected);
      weights?.unpack();
      if (!sum) expect(run()).toEqual(expected);
      weights?.release();
      placed.free();
    }
  });

  test("a part of the rows or columns alone is computed", (context) => {
    if (!matmul) return context.skip("its relaxed dot product saturates or is unknown");
    const product = {
      ...randomProduct(randomNumbers(3)),
      rows: 9,
      columns: 20,
      depth: 33,
      zeroB: randomBytes(20, randomNumbers(7)),
    };
    const whole = { ...product, ...bytesOf(product, randomNumbers(4)), c: undefined };
    const { c, ...plain } = whole;
    const parts = [original, replaced].map((operation) => {
      const placed = placeProduct(instance, plain);
      operation(placed.shape, placed.data, 2, 5, 0, 20);
      operation(placed.shape, placed.data, 7, 2, 3, 11);
      const result = placed.read();
      placed.free();
      return result;
    });
    expect(parts[1]).toEqual(parts[0]);
  });

  test("weights at an address that was released and written anew are read again", (context) => {
    if (!matmul) return context.skip("its relaxed dot product saturates or is unknown");
    const random = randomNumbers(5);
    const { c, ...product } = {
      ...randomProduct(random),
      rows: 4,
      columns: 24,
      depth: 40,
      zeroB: Uint8Array.of(5),
    };
    const placed = placeProduct(instance, { ...product, ...bytesOf(product, random) });
    const run = (operation: QuantizedOperation) => {
      operation(placed.shape, placed.data, 0, 4, 0, 24);
      return placed.read();
    };
    for (let i = 0; i < 3; i++) {
      const weights = matmul.weights(placed.b, placed.b + 40 * 24);
      run(replaced);
      weights?.pack();
      const packed = run(replaced);
      weights?.release();
      expect(packed).toEqual(run(original));
      instance.heap.set(randomBytes(40 * 24, random), placed.b);
      expect(run(replaced)).toEqual(run(original));
    }
    placed.free();
  });

  test("weights of many models come and go, and each finds its own", (context) => {
    if (!matmul) return context.skip("its relaxed dot product saturates or is unknown");
    const random = randomNumbers(6);
    const models = new Map<number, { run: () => void; end: () => void }>();
    for (let step = 0; step < 600; step++) {
      const at = Math.floor(random() * 80);
      models.get(at)?.end();
      models.delete(at);
      const { c, ...drawn } = randomProduct(random);
      const product = { ...drawn, rows: 2, columns: 9, depth: 8, zeroB: randomBytes(9, random) };
      const filled = { ...product, ...bytesOf(product, random) };
      const placed = placeProduct(instance, filled);
      const expected = computeProduct(instance, original, filled);
      const weights = matmul.weights(placed.b, placed.b + 72);
      const run = () => {
        replaced(placed.shape, placed.data, 0, 2, 0, 9);
        expect(placed.read()).toEqual(expected);
      };
      run();
      if (weights && random() < 0.7) weights.pack();
      run();
      models.set(at, {
        run,
        end: () => {
          weights?.release();
          placed.free();
        },
      });
      for (const model of [...models.values()].slice(0, 5)) model.run();
    }
    for (const model of models.values()) model.run();
    for (const model of models.values()) model.end();
  });
});

/** `(module (func (export "nothing") (param i32 i32 i32 i32 i32 i32)))`. */
const NOTHING = Buffer.from(
  "0061736d01000000010a0160067f7f7f7f7f7f000302010007" + "0b01076e6f7468696e6700000a040102000b",
  "hex",
);

function compile(bytes: Uint8Array): WebAssembly.Module {
  const { Module } = WebAssembly as unknown as {
    Module: new (bytes: Uint8Array) => WebAssembly.Module;
  };
  return new Module(bytes);
}

/** One in three of few rows and long sums, as a generated token has; the largest sums leave 32 bits. */
function randomProduct(random: () => number): QuantizedProduct {
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const [rows, columns, depth] =
    random() < 0.3
      ? [upTo(2), upTo(70), upTo(1000)]
      : [upTo(40), upTo(50), upTo(random() < 0.2 ? 300 : 40)];
  const sizes = { rows, columns, depth };
  const isByColumn = random() < 0.3;
  const bIsSigned = random() < 0.6;
  const noZero = random() < 0.5;
  return {
    ...sizes,
    ...bytesOf(sizes, random),
    zeroA: Math.floor(random() * 256),
    zeroB: noZero
      ? Uint8Array.of(bIsSigned ? 0 : 128)
      : randomBytes(isByColumn ? columns : 1, random),
    aIsSigned: random() < 0.3,
    bIsSigned,
    ...(random() < 0.2 && {
      c: Int32Array.from({ length: rows * columns }, () => (random() - 0.5) * 2 ** 32),
    }),
  };
}

function bytesOf(
  { rows, columns, depth }: Pick<QuantizedProduct, "rows" | "columns" | "depth">,
  random: () => number,
): Pick<QuantizedProduct, "a" | "b"> {
  const extreme = random() < 0.2;
  const a = randomBytes(rows * depth, random);
  const b = randomBytes(depth * columns, random);
  return extreme ? { a: a.fill(255), b: b.fill(random() < 0.5 ? 127 : 128) } : { a, b };
}

function randomBytes(length: number, random: () => number): Uint8Array {
  return Uint8Array.from({ length }, () => random() * 256);
}

function describeProduct({
  rows,
  columns,
  depth,
  zeroA,
  zeroB,
  aIsSigned,
  bIsSigned,
  c,
}: QuantizedProduct): string {
  return JSON.stringify({
    rows,
    columns,
    depth,
    zeroA,
    zeroB: [...zeroB],
    aIsSigned,
    bIsSigned,
    sums: c !== undefined,
  });
}
