import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import type { TensorSpec } from "../../src/domain/tensor.ts";

/**
 * Models as exporters write them. `test/fixtures/exports/reference.py` made them, and ran the unchanged files in Python's
 * ONNX Runtime.
 */

interface Values {
  readonly shape: readonly number[];
  readonly values: readonly (number | string | boolean)[];
}

/** What `ZipMap` makes of a tensor of shape [rows, keys]. */
interface Maps {
  readonly keys: readonly string[];
  readonly values: readonly (readonly number[])[];
}

/** A run of the unchanged file. */
export interface ExpectedRun {
  readonly inputs: Readonly<Record<string, Values>>;
  readonly outputs: Readonly<Record<string, Values | Maps>>;
}

export const EXPORTS = projectPath("test", "fixtures", "exports");

const expected: Readonly<Record<string, readonly ExpectedRun[]>> = JSON.parse(
  readFileSync(`${EXPORTS}/expected.json`, "utf8"),
);

export function readExport(path: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(readFileSync(`${EXPORTS}/${path}`));
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function expectedRuns(name: string): readonly ExpectedRun[] {
  const runs = expected[name];
  if (!runs) throw new Error(`expected.json has no ${name}`);
  return runs;
}

/** The inputs of a run in the protocol's form. */
export function toInferInputs(run: ExpectedRun, specs: readonly TensorSpec[]): object[] {
  return Object.entries(run.inputs).map(([name, { shape, values }]) => ({
    name,
    datatype: specs.find((spec) => spec.name === name)?.datatype,
    shape,
    data: values,
  }));
}

/** The tensors that a run returns: of maps, their values. */
export function toTensors(run: ExpectedRun): Record<string, Values> {
  return Object.fromEntries(
    Object.entries(run.outputs).map(([name, output]) => [
      name,
      "keys" in output
        ? { shape: [output.values.length, output.keys.length], values: output.values.flat() }
        : output,
    ]),
  );
}
