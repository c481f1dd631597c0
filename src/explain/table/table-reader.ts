import { NUMERIC_DATATYPES, type NumericDatatype, type TypedArray } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import type { FeatureData } from "../../domain/explanation/explanation.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { formatModelId } from "../../domain/model-id.ts";
import type { InputForm } from "../../domain/task.ts";
import {
  elementCount,
  type Tensor,
  type TensorSpec,
  toBytes,
  toTypedArray,
} from "../../domain/tensor.ts";
import { inputSpecs } from "../../tasks/input-specs.ts";
import { createArrayPreprocessor } from "../../tasks/numeric/array-preprocessor.ts";
import type { AnyPreprocessor, Item, Items } from "../../tasks/preprocessor.ts";
import { splitInputs } from "../../tasks/split-inputs.ts";
import type { ExplainedVersion } from "../explained-version.ts";
import { toCellData, toNumberData } from "./cell-data.ts";
import { arrayNames } from "./feature-names.ts";

/** Rows of numbers, as the model takes them: of a table, of arrays, or of a model without a task that takes [batch, n]. */
export interface Table {
  readonly featureNames: readonly string[];
  readonly columns: number;
  readonly rows: number;
  /** Row by row: `rows` times `columns`. A category is its index; a missing value the number that the manifest has for it. */
  readonly values: Float64Array;
  /** Row by row, the values as the request had them; `null` for those that are missing. */
  readonly data: readonly (readonly FeatureData[])[];
}

/** Reads the rows that requests and backgrounds have for a version. */
export interface TableReader {
  /** By column, the names that it may have; `undefined` for a column of numbers. */
  readonly categories: readonly (readonly string[] | undefined)[];
  /** Of the model's input. */
  readonly datatype: NumericDatatype;
  /** At most so many rows make a run of a length that others can wait for. */
  readonly rowsPerRun: number;
  /** Whether a run takes exactly so many. */
  readonly isFixedBatch: boolean;
  /**
   * @param inputs one row or several, as the version's task takes them
   * @throws ApiError of the preprocessor; `invalid_input` for integers beyond 2^53
   */
  read(inputs: unknown): Promise<Table & { readonly form: InputForm }>;
  /** Zeros in the model's datatype. */
  createTyped(length: number): TypedArray;
  /**
   * The rows as the task splits them, each of which can be read by itself.
   * @throws ApiError of the preprocessor
   */
  split(inputs: unknown): Promise<readonly unknown[]>;
  /** Numbers in the model's datatype: of integers, the nearest ones. */
  toTyped(values: Float64Array): TypedArray;
  /** @param values of `rows` rows, not copied */
  toTensor(values: TypedArray, rows: number): Tensor;
  /** A row of numbers as a request would have it: categories by name, `null` for NaN. */
  toData(values: ArrayLike<number>): FeatureData[];
}

/** Rows that are read between two checkpoints. */
const ROWS_PER_STEP = 64;

/** Whether a version's inputs are rows of numbers. */
export function isTable(manifest: Manifest): boolean {
  return tableInput(manifest) !== undefined;
}

/** @throws ApiError `invalid_request` for a version whose inputs are no rows of numbers */
export async function createTableReader(version: ExplainedVersion): Promise<TableReader> {
  const { manifest } = version.model;
  const spec = tableInput(manifest);
  if (!spec || spec.datatype === "BYTES") throw noTable(manifest);
  const { datatype } = spec;
  const preprocessor = await preprocessorOf(version, spec);
  const { array, kind } = NUMERIC_DATATYPES[datatype];
  const block = manifest.preprocess?.type === "tabular" ? manifest.preprocess : undefined;
  const categories = (block?.columns ?? []).map((name) => block?.categories[name]);
  /** Of an item, without the batch; known once a row has been read where the model leaves it open. */
  let itemShape = spec.shape.slice(1).map(Number);

  function splitItems(inputs: unknown): Promise<Items> {
    const { call } = version;
    return splitInputs(preprocessor, inputs, preprocessor.parameters.parse({}), {
      trace: call.trace,
      checkpoint: () => call.checkpoint(),
      limits: call.limits,
    });
  }

  async function readItems(items: readonly Item[]): Promise<Float64Array[]> {
    const { call } = version;
    let columns = block?.columns.length;
    const context = {
      parameters: preprocessor.parameters.parse({}),
      trace: call.trace,
      checkpoint: () => call.checkpoint(),
    };
    const parts: Float64Array[] = [];
    for (let at = 0; at < items.length; at += preprocessor.maxBatch) {
      await call.checkpoint();
      const some = items.slice(at, at + preprocessor.maxBatch);
      const { tensors } = await preprocessor.toTensors(some, context);
      const [tensor] = tensors;
      if (!tensor || tensor.datatype === "BYTES") throw noTable(manifest);
      itemShape = tensor.shape.slice(1);
      const width = elementCount(itemShape);
      columns ??= width;
      if (width !== columns) throw differentWidth(some[0]?.path, width, columns);
      parts.push(toDoubles(tensor.name, toTypedArray(tensor)));
    }
    return parts;
  }

  return {
    categories,
    datatype,
    rowsPerRun: preprocessor.maxBatch,
    isFixedBatch: typeof spec.shape[0] === "number" && spec.shape[0] > 0,
    split: async (inputs) => (await splitItems(inputs)).items.map(({ value }) => value),
    async read(inputs) {
      const { items, form } = await splitItems(inputs);
      const values = concatenate(await readItems(items));
      const columns = values.length / items.length;
      const featureNames = block?.columns ?? arrayNames(itemShape);
      const data: FeatureData[][] = [];
      for (const [row, { value }] of items.entries()) {
        if (row % ROWS_PER_STEP === ROWS_PER_STEP - 1) await version.call.checkpoint();
        const numbers = values.subarray(row * columns, (row + 1) * columns);
        data.push(block ? toCellData(value, block, numbers) : toNumberData(value, numbers));
      }
      return { featureNames, columns, rows: items.length, values, data, form };
    },
    createTyped: (length) => new array(length),
    toTyped(values) {
      const typed = new array(values.length);
      if (kind === "float") (typed as Float64Array).set(values);
      else
        for (const [at, value] of values.entries()) {
          const integer = Math.round(value);
          // Arrays of bigints take bigints.
          typed[at] = (kind === "bigint" ? BigInt(integer) : integer) as never;
        }
      return typed;
    },
    toTensor: (values, rows) => ({
      name: spec.name,
      datatype,
      shape: [rows, ...itemShape],
      data: toBytes(values),
    }),
    toData: (values) =>
      Array.from(values, (value, column) =>
        Number.isNaN(value) ? null : (categories[column]?.[value] ?? value),
      ),
  };
}

/** The input whose rows are explained. */
function tableInput(manifest: Manifest): TensorSpec | undefined {
  const { preprocess, inputs } = manifest;
  if (preprocess?.type === "tabular" || preprocess?.type === "array")
    return inputSpecs(manifest)(preprocess.input);
  if (preprocess) return undefined;
  const [input, ...others] = inputs.filter(({ optional }) => optional !== true);
  const isRow = input?.shape.length === 2 && input.datatype !== "BYTES";
  return isRow && others.length === 0 ? input : undefined;
}

async function preprocessorOf(
  version: ExplainedVersion,
  spec: TensorSpec,
): Promise<AnyPreprocessor> {
  const blocks = version.model.manifest.preprocess && (await version.blocks());
  return blocks?.preprocessor ?? createArrayPreprocessor(spec);
}

function toDoubles(input: string, values: TypedArray): Float64Array {
  const doubles = Float64Array.from(values as ArrayLike<number | bigint>, Number);
  const isInexact = typeof values[0] === "bigint" && !doubles.every(Number.isSafeInteger);
  if (!isInexact) return doubles;
  throw new ApiError(
    "invalid_input",
    `"${input}" has an integer beyond ${Number.MAX_SAFE_INTEGER}: rows that are explained have integers up to that.`,
  );
}

function concatenate(parts: readonly Float64Array[]): Float64Array {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function differentWidth(path = "inputs", actual: number, expected: number): ApiError {
  return new ApiError("invalid_shape", `${path} has ${actual} values; expected ${expected}.`, {
    details: { expected, actual },
  });
}

function noTable(manifest: Manifest): ApiError {
  const { preprocess, task } = manifest;
  const what = preprocess
    ? `inputs of the block ${preprocess.type}`
    : "no input of numbers [batch, n]";
  return new ApiError(
    "invalid_request",
    `${formatModelId(manifest)} has ${what}${task ? ` (task ${task})` : ""}: the method that was asked for explains rows of numbers, which the blocks tabular and array read. Leave "parameters.method" out for one that suits the model.`,
    { details: { field: "parameters.method", valid: ["auto"] } },
  );
}
