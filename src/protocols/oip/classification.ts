import { ApiError } from "../../domain/errors.ts";
import { formatShape, type Tensor, toTypedArray } from "../../domain/tensor.ts";

/**
 * The n highest values of each row as strings `value:index:label`, highest first; without labels
 * `value:index`. Source: Triton's classification extension.
 * @returns a `BYTES` tensor whose last dimension is n, or the number of classes if that is less
 */
export function toClassification(
  tensor: Tensor,
  count: number,
  labels: readonly string[] | undefined,
): Tensor {
  const { name, datatype, shape } = tensor;
  const classes = shape.at(-1);
  if (datatype === "BYTES" || classes === undefined)
    throw new ApiError(
      "invalid_request",
      `Output "${name}" is ${datatype} ${formatShape(shape)}, which cannot be classified.`,
    );
  const values: readonly (number | bigint)[] = [...toTypedArray(tensor)];
  const top = Math.min(count, classes);
  const data: string[] = [];
  for (let start = 0; start < values.length; start += classes) {
    const row = values.slice(start, start + classes).map((value, index) => ({ value, index }));
    row.sort((a, b) => (a.value < b.value ? 1 : a.value > b.value ? -1 : a.index - b.index));
    for (const { value, index } of row.slice(0, top)) {
      const label = labels?.length === classes ? labels[index] : undefined;
      data.push(label === undefined ? `${value}:${index}` : `${value}:${index}:${label}`);
    }
  }
  return { name, datatype: "BYTES", shape: [...shape.slice(0, -1), top], data };
}
