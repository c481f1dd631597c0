import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import type { Datatype } from "../../src/domain/datatype.ts";

/** A tensor in the JSON of the Open Inference Protocol, flat in row-major order. */
export interface WireTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Held-out inputs with the outputs of another engine than the one that serves. */
export interface Expected {
  readonly engine: string;
  /** Largest absolute difference allowed, by output. */
  readonly tolerance: Readonly<Record<string, number>>;
  readonly inputs: readonly WireTensor[];
  readonly outputs: readonly WireTensor[];
}

export const EXPECTED_FOLDER = projectPath("test", "fixtures", "expected");

/** Images are bytes in their fixture. */
type StoredTensor = WireTensor | (Omit<WireTensor, "data"> & { readonly dataBase64: string });

export function readExpected(model: string): Expected {
  const { inputs, ...expected }: Expected & { inputs: readonly StoredTensor[] } = JSON.parse(
    readFileSync(`${EXPECTED_FOLDER}/${model}.json`, "utf8"),
  );
  return { ...expected, inputs: inputs.map(withData) };
}

function withData(tensor: StoredTensor): WireTensor {
  if (!("dataBase64" in tensor)) return tensor;
  const { dataBase64, ...rest } = tensor;
  if (rest.datatype !== "UINT8") throw new Error(`the bytes of ${rest.name} are not UINT8`);
  return { ...rest, data: [...Buffer.from(dataBase64, "base64")] };
}

/** Asserts that numbers differ by no more than `tolerance`; names those that do. */
export function expectClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
): void {
  expect(actual).toHaveLength(expected.length);
  const wrong = expected.flatMap((value, index) => {
    const difference = Math.abs((actual[index] ?? Number.NaN) - value);
    return difference <= tolerance ? [] : [{ index, actual: actual[index], expected: value }];
  });
  expect(wrong).toEqual([]);
}

/** Asserts that a response has the outputs of the fixture, in its order and within its tolerances. */
export function expectOutputs(
  body: unknown,
  { outputs, tolerance }: Omit<Expected, "inputs">,
): void {
  const returned = (body as { outputs: WireTensor[] }).outputs;
  expect(returned.map(withoutData)).toEqual(outputs.map(withoutData));
  for (const [index, { name, data }] of outputs.entries())
    expectClose(returned[index]?.data ?? [], data, tolerance[name] ?? 0);
}

/** One item of a batch, as a batch of one. */
export function row<T extends WireTensor>(tensor: T, index: number): T {
  const [batch = 0, ...rest] = tensor.shape;
  const size = tensor.data.length / batch;
  const data = tensor.data.slice(index * size, (index + 1) * size);
  return { ...tensor, shape: [1, ...rest], data };
}

/** Flat data as arrays nested by the shape. */
export function nest(data: readonly unknown[], shape: readonly number[]): unknown[] {
  const [length = 0, ...rest] = shape;
  if (rest.length === 0) return [...data];
  const size = data.length / length;
  return Array.from({ length }, (_, i) => nest(data.slice(i * size, (i + 1) * size), rest));
}

function withoutData({ name, datatype, shape }: WireTensor): Omit<WireTensor, "data"> {
  return { name, datatype, shape };
}
