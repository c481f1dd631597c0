import { DATATYPES, type Datatype, isDatatype } from "../domain/datatype.ts";
import { ApiError } from "../domain/errors.ts";
import { parseShape, unknownInput } from "../domain/shape.ts";
import { type Tensor, type TensorSpec, toTypedArray } from "../domain/tensor.ts";
import { fromJsonData } from "../domain/tensor-json.ts";
import {
  datatypeOf,
  fromTypedArray,
  isStoredAs,
  type NumberView,
  valueShape,
} from "../domain/tensor-values.ts";
import { quoteAll } from "../shared/quote.ts";
import { ownBytes } from "../shared/structured-clone.ts";
import type { OutputTensor } from "./api.ts";
import { isFields } from "./call-options.ts";
import { type MessageSize, toClonable } from "./clonable.ts";
import { describeValue } from "./describe.ts";

const MAX_OUTPUTS = 1000;
const FIELDS = ["data", "shape", "datatype"];

/**
 * The tensors of a call, by the names of the model's inputs. Typed arrays are not copied.
 * @throws ApiError that names the input, what was expected and what was received
 */
export function readTensors(inputs: unknown, specs: readonly TensorSpec[]): Tensor[] {
  if (!isFields(inputs))
    throw new ApiError(
      "invalid_request",
      `"inputs" must be an object with the model's inputs by their names; got ${describeValue(inputs)}.`,
    );
  return Object.entries(inputs).map(([name, value]) => {
    const spec = specs.find((candidate) => candidate.name === name);
    if (!spec) throw unknownInput(specs, name);
    return readTensor(spec, isData(value) ? { data: value } : value);
  });
}

function readTensor(spec: TensorSpec, value: unknown): Tensor {
  const { name } = spec;
  if (!isFields(value)) throw noTensor(name, value);
  const unknown = Object.keys(value).filter((field) => !FIELDS.includes(field));
  if (unknown.length > 0)
    throw new ApiError(
      "invalid_input",
      `Input "${name}" has the unknown field ${quoteAll(unknown)}: an input has ${FIELDS.join(", ")}.`,
    );
  const { data } = value;
  if (!isData(data)) throw noTensor(name, data);
  const datatype = value.datatype ?? defaultDatatype(spec, data);
  if (!isDatatype(datatype))
    throw new ApiError(
      "invalid_datatype",
      `Input "${name}": datatype must be one of ${DATATYPES.join(", ")}; got ${describeValue(datatype)}.`,
      { details: { input: name, expected: spec.datatype } },
    );
  const shape = parseShape(name, value.shape ?? valueShape(name, data));
  if (!ArrayBuffer.isView(data)) return fromJsonData(name, datatype, shape, data);
  if (isStoredAs(datatype, data)) return fromTypedArray(name, datatype, shape, data);
  return fromJsonData(name, datatype, shape, Array.from(data as ArrayLike<unknown>, spell));
}

/** That of the model, where the array may have it. */
function defaultDatatype(
  { datatype }: TensorSpec,
  data: NumberView | readonly unknown[],
): Datatype {
  if (!ArrayBuffer.isView(data) || isStoredAs(datatype, data)) return datatype;
  return datatypeOf(data) ?? datatype;
}

/** As JSON has it. */
function spell(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return Number.isFinite(value) ? value : String(value);
}

function isData(value: unknown): value is NumberView | readonly unknown[] {
  if (Array.isArray(value)) return true;
  return ArrayBuffer.isView(value) && datatypeOf(value) !== undefined;
}

function noTensor(name: string, value: unknown): ApiError {
  return new ApiError(
    "invalid_input",
    `Input "${name}" must be {data, shape, datatype} with an array or a typed array as data, or the array itself; got ${describeValue(value)}.`,
  );
}

/**
 * The names of the outputs that a call requests; all when it names none.
 * @throws ApiError `invalid_request`
 */
export function readOutputNames(outputs: unknown): readonly string[] | undefined {
  if (outputs === undefined || outputs === null) return undefined;
  const isNames =
    Array.isArray(outputs) &&
    outputs.length > 0 &&
    outputs.length <= MAX_OUTPUTS &&
    outputs.every((name) => typeof name === "string");
  if (!isNames)
    throw new ApiError(
      "invalid_request",
      `"outputs" must be a list of 1 to ${MAX_OUTPUTS} names of the model's outputs; got ${describeValue(outputs)}.`,
    );
  if (new Set(outputs).size < outputs.length)
    throw new ApiError("invalid_request", `"outputs" names an output twice.`);
  return outputs;
}

/**
 * A tensor for the Worker that called: a view of a large buffer would cross with all of it.
 * @throws ApiError `out_of_memory` for more than a message holds
 */
export function toOutputTensor(tensor: Tensor, size: MessageSize): OutputTensor {
  const { datatype, shape, data } = tensor;
  if (datatype === "BYTES") return { datatype, shape, data: toClonable(data, size) as string[] };
  size.add(data.byteLength);
  return {
    datatype,
    shape,
    data: toTypedArray({ ...tensor, data: ownBytes(data) }),
  } as OutputTensor;
}
