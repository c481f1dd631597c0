import { ApiError } from "../../domain/errors.ts";
import { formatShape, type Tensor } from "../../domain/tensor.ts";
import { toJsonData } from "../../domain/tensor-json.ts";
import { checkJsonOutputs } from "../output-limits.ts";
import { toBase64Value } from "./base64-text.ts";
import type { PredictBody } from "./predict-schema.ts";

/**
 * `{"predictions": ...}` or `{"outputs": ...}`, as JSON text: serialized by hand, so that no number changes.
 * @throws ApiError `invalid_request` for outputs without one value for each instance
 */
export function toPredictResponse(body: PredictBody, outputs: readonly Tensor[]): string {
  checkJsonOutputs(outputs, "send smaller batches, or request binary data from /v2");
  if (body.format === "columnar") return `{"outputs":${toOutputs(outputs)}}`;
  return `{"predictions":[${toPredictions(outputs, body.instances.length).join(",")}]}`;
}

function toOutputs(outputs: readonly Tensor[]): string {
  const [only] = outputs;
  if (only && outputs.length === 1) return nest(toElements(only), only.shape);
  return toObject(outputs, (output) => nest(toElements(output), output.shape));
}

function toPredictions(outputs: readonly Tensor[], count: number): string[] {
  const columns = outputs.map((output) => toRows(output, count));
  const [only] = columns;
  if (only && columns.length === 1) return only;
  return Array.from({ length: count }, (_, row) =>
    toObject(outputs, (_, output) => columns[output]?.[row] ?? "null"),
  );
}

/** The values of an output, one for each instance. */
function toRows(output: Tensor, count: number): string[] {
  const { name, shape } = output;
  const [rows, ...rest] = shape;
  if (rows !== count)
    throw new ApiError(
      "invalid_request",
      `Output "${name}" has the shape ${formatShape(shape)}, not one value for each of the ${count} instances: send {"inputs": ...}, whose response has whole outputs.`,
      { details: { output: name, expected: count, actual: rows } },
    );
  const elements = toElements(output);
  const size = elements.length / count;
  return Array.from({ length: count }, (_, row) =>
    nest(elements.slice(row * size, (row + 1) * size), rest),
  );
}

/** The JSON of each element. As in TensorFlow Serving, an output named `*_bytes` is bytes, and any other one text. */
function toElements(tensor: Tensor): readonly string[] {
  if (tensor.datatype !== "BYTES") {
    const list = toJsonData(tensor).slice(1, -1);
    return list === "" ? [] : list.split(",");
  }
  const asBytes = tensor.name.endsWith("_bytes");
  return tensor.data.map((text) => JSON.stringify(asBytes ? toBase64Value(text) : text));
}

/** Elements in row-major order, nested by the shape. */
function nest(elements: readonly string[], shape: readonly number[]): string {
  let values = elements;
  for (const [outer, size] of shape.entries().toArray().toReversed()) {
    const count = shape.slice(0, outer).reduce((product, length) => product * length, 1);
    values = Array.from(
      { length: count },
      (_, index) => `[${values.slice(index * size, (index + 1) * size).join(",")}]`,
    );
  }
  return values[0] ?? "null";
}

function toObject(
  outputs: readonly Tensor[],
  toValue: (output: Tensor, index: number) => string,
): string {
  const entries = outputs.map(
    (output, index) => `${JSON.stringify(output.name)}:${toValue(output, index)}`,
  );
  return `{${entries.join(",")}}`;
}
