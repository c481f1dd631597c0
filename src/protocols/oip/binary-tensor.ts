import { NUMERIC_DATATYPES } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import { elementCount, formatShape, type Tensor, type TensorSpec } from "../../domain/tensor.ts";
import { decodeElement, splitElements } from "../../domain/tensor-bytes.ts";

/**
 * Tensors as bytes: little-endian, row-major, without padding; an element of `BYTES` is its length as
 * 4 bytes and then its bytes. Source: Triton's binary tensor data extension.
 */

/**
 * @param bytes not copied: the tensor's data is a view of it
 * @throws ApiError when the number of bytes does not match the shape, or strings are not UTF-8
 */
export function fromBytes(
  { name, datatype }: Pick<TensorSpec, "name" | "datatype">,
  shape: readonly number[],
  bytes: Uint8Array,
): Tensor {
  const elements = elementCount(shape);
  if (datatype === "BYTES")
    return { name, datatype, shape, data: readStrings(name, elements, bytes) };
  const expected = elements * NUMERIC_DATATYPES[datatype].elementBytes;
  if (bytes.byteLength !== expected)
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": ${datatype} ${formatShape(shape)} has ${expected} bytes, but the data has ${bytes.byteLength}.`,
      { details: { input: name, expected, actual: bytes.byteLength } },
    );
  const invalid = datatype === "BOOL" ? bytes.findIndex((byte) => byte > 1) : -1;
  if (invalid >= 0)
    throw new ApiError(
      "value_out_of_range",
      `Input "${name}": element ${invalid} of its BOOL data must be a byte 0 or 1; got ${bytes[invalid]}.`,
    );
  return { name, datatype, shape, data: bytes };
}

/**
 * The tensor of a body that is only data: Triton's raw binary request. A dynamic dimension is
 * deduced from the size; a body of `BYTES` is one element, without a length.
 * @throws ApiError for a model with several inputs, or an input whose shape cannot be deduced
 */
export function fromRawBody(specs: readonly TensorSpec[], bytes: Uint8Array): Tensor {
  const [spec] = specs;
  if (!spec || specs.length > 1)
    throw new ApiError(
      "invalid_request",
      `A raw binary body requires a model with one input; this model has ${specs.length}.`,
    );
  const { name, datatype, shape: declared } = spec;
  const dynamic = declared.filter((size) => typeof size === "string" || size === -1).length;
  if (dynamic > 1)
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": the shape ${formatShape(declared)} cannot be deduced from the data alone; send it in a request object.`,
    );
  const fixed = elementCount(
    declared.filter((size) => typeof size === "number" && size !== -1) as number[],
  );
  if (datatype === "BYTES") {
    if (fixed !== 1)
      throw new ApiError(
        "invalid_shape",
        `Input "${name}": a raw binary body is one BYTES element, but the model takes ${formatShape(declared)}.`,
      );
    return { name, datatype, shape: declared.map(() => 1), data: [decodeText(name, 0, bytes)] };
  }
  const elements = bytes.byteLength / NUMERIC_DATATYPES[datatype].elementBytes;
  const deduced = fixed === 0 ? 0 : elements / fixed;
  const shape = declared.map((size) =>
    typeof size === "number" && size !== -1 ? size : Math.floor(deduced),
  );
  return fromBytes(spec, shape, bytes);
}

function readStrings(name: string, elements: number, bytes: Uint8Array): string[] {
  const strings: string[] = [];
  try {
    for (const element of splitElements(bytes))
      strings.push(decodeText(name, strings.length, element));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ApiError(
      "invalid_input",
      `Input "${name}": element ${strings.length} of its BYTES data is longer than the remaining data.`,
    );
  }
  if (strings.length !== elements)
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": the shape has ${elements} elements, but the data has ${strings.length}.`,
      { details: { input: name, expected: elements, actual: strings.length } },
    );
  return strings;
}

function decodeText(name: string, index: number, bytes: Uint8Array): string {
  try {
    return decodeElement(bytes);
  } catch (cause) {
    throw new ApiError(
      "invalid_datatype",
      `Input "${name}": element ${index} of its BYTES data must be UTF-8, because ONNX strings hold nothing else.`,
      { cause, details: { input: name, datatype: "BYTES", index } },
    );
  }
}
