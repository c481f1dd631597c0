import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findCases, readCase } from "../../../conformance/cases.ts";

// Made with the Python package onnx 1.23.2: an Identity of x to y, both FP32 [1]; another with the
// sequence s beside x; a TensorProto of FP32 [1] that holds 1.5.
const IDENTITY =
  "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801620f0a0179" +
  "120a0a08080112040a02080142040a001011";
const WITH_SEQUENCE =
  "08083a560a100a017812017922084964656e746974791201675a140a0178120f0a0d080112090a0312016e0a0208035a0d" +
  "0a0173120822060a040a02080762090a017912040a020801620f0a016f120a4a080a060a040801120042040a001011";
const TENSOR = "080110014a040000c03f";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "onnxflare-cases-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function write(folder: string, file: string, hex: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), Buffer.from(hex, "hex"));
}

test("finds cases at any depth and reads their data sets in order", () => {
  const folder = temporaryFolder();
  write(join(folder, "node", "test_b"), "model.onnx", IDENTITY);
  write(join(folder, "test_a"), "model.onnx", IDENTITY);
  for (const set of ["test_data_set_0", "test_data_set_1"])
    for (const file of ["input_0.pb", "output_0.pb"])
      write(join(folder, "test_a", set), file, TENSOR);
  const cases = findCases(folder);
  expect(cases.map(({ name }) => name)).toEqual(["node/test_b", "test_a"]);
  const [withoutData, withData] = cases.map(readCase);
  expect(withoutData?.unsupported).toBe("no test_data_set_0");
  const tensor = { datatype: "FP32", shape: [1], data: Uint8Array.of(0, 0, 0xc0, 0x3f) };
  const dataSet = { inputs: [{ name: "x", ...tensor }], expected: [{ name: "y", ...tensor }] };
  expect(withData?.dataSets).toEqual([dataSet, dataSet]);
  expect(withData?.unsupported).toBeUndefined();
});

test("does not try data for values that are no tensors", () => {
  const folder = temporaryFolder();
  write(folder, "model.onnx", WITH_SEQUENCE);
  write(join(folder, "test_data_set_0"), "input_0.pb", "ff");
  const [found] = findCases(folder).map(readCase);
  expect(found?.unsupported).toBe('"s" is a sequence');
  expect(found?.dataSets).toEqual([]);
});

test("says where to get cases when there are none", () => {
  const folder = temporaryFolder();
  expect(() => findCases(folder)).toThrow(/no model\.onnx below .*libonnx-testdata/s);
  const missing = join(folder, "missing");
  expect(() => findCases(missing)).toThrow(/no such folder: .*missing\n.*libonnx-testdata/s);
});
