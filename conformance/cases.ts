import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { UserError } from "../packages/cli/src/local/user-error.ts";
import { fromOnnxElementType } from "../src/domain/datatype.ts";
import type { Tensor } from "../src/domain/tensor.ts";
import {
  type GraphValue,
  type ModelSignature,
  parseModelSignature,
  parseTensor,
  UnsupportedValueError,
} from "./onnx-proto.ts";

/** A folder with model.onnx and its data sets, not yet read. */
export interface CaseFolder {
  readonly name: string;
  readonly folder: string;
}

export interface DataSet {
  readonly inputs: readonly Tensor[];
  readonly expected: readonly Tensor[];
}

export interface TestCase {
  readonly name: string;
  readonly model: Buffer<ArrayBuffer>;
  readonly signature: ModelSignature;
  readonly dataSets: readonly DataSet[];
  /** The reason why no engine can pass the case, which then has no data sets. */
  readonly unsupported: string | undefined;
}

const HOW_TO_GET_CASES = `The ONNX backend tests are in the Debian and Ubuntu package libonnx-testdata
(apt-get install libonnx-testdata; then the folder is /usr/share/libonnx-testdata/data/node), and in
the sources of https://github.com/onnx/onnx as onnx/backend/test/data/node.`;

/**
 * Finds the cases in a folder at any depth, sorted by name.
 * @throws UserError that explains where to get cases, when there are none
 */
export function findCases(folder: string): CaseFolder[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`no such folder: ${folder}\n${HOW_TO_GET_CASES}`);
  const models = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => basename(file) === "model.onnx")
    .map((file) => join(folder, dirname(file)));
  if (models.length === 0)
    throw new UserError(`no model.onnx below ${folder}\n${HOW_TO_GET_CASES}`);
  return models
    .map((found) => ({
      name: relative(folder, found).replaceAll(sep, "/") || basename(folder),
      folder: found,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws Error that names the invalid file */
export function readCase({ name, folder }: CaseFolder): TestCase {
  const model = readFileSync(join(folder, "model.onnx"));
  const signature = parseModelSignature(model);
  const foreign = [...signature.inputs, ...signature.outputs].find(
    ({ elementType }) => fromOnnxElementType(elementType) === undefined,
  );
  if (foreign) return { name, model, signature, dataSets: [], unsupported: describeValue(foreign) };
  try {
    const dataSets = readdirSync(folder)
      .filter((entry) => entry.startsWith("test_data_set_"))
      .sort()
      .map((entry) => ({
        inputs: readTensors(join(folder, entry), "input", signature.inputs),
        expected: readTensors(join(folder, entry), "output", signature.outputs),
      }));
    const unsupported = dataSets.length === 0 ? "no test_data_set_0" : undefined;
    return { name, model, signature, dataSets, unsupported };
  } catch (error) {
    if (!(error instanceof UnsupportedValueError)) throw error;
    return { name, model, signature, dataSets: [], unsupported: error.message };
  }
}

function describeValue({ name, kind, elementType }: GraphValue): string {
  return `"${name}" is a ${kind}${kind === "tensor" ? ` of ONNX element type ${elementType}` : ""}`;
}

/** input_0.pb, input_1.pb, ... are the values of the graph's inputs in order; outputs likewise. */
function readTensors(folder: string, side: string, values: readonly GraphValue[]): Tensor[] {
  const count = readdirSync(folder).filter((file) => file.startsWith(`${side}_`)).length;
  return Array.from({ length: count }, (_, index) => {
    const file = join(folder, `${side}_${index}.pb`);
    const value = values[index];
    if (!value) throw new Error(`${file} has no corresponding ${side} in the model`);
    return parseTensor(value.name, readFileSync(file));
  });
}
