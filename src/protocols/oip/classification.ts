import { NUMERIC_DATATYPES } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import { formatShape, type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { type ElementValue, topIndices } from "./top-indices.ts";

/**
 * The n highest values of each row as strings `value:index:label`, highest first; without labels
 * `value:index`. NaN is lower than any number. Source: Triton's classification extension, and `TopkClassifications` and
 * `AddClassResults` of its server, which print values by `std::to_string`.
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
  const values = toTypedArray(tensor) as ArrayLike<ElementValue>;
  const print = NUMERIC_DATATYPES[datatype].kind === "float" ? toDecimal : String;
  const top = Math.min(count, classes);
  const data: string[] = [];
  for (let start = 0; start < values.length; start += classes)
    for (const index of topIndices(values, start, classes, top)) {
      const label = labels?.length === classes ? labels[index] : undefined;
      const result = `${print(values[start + index] as ElementValue)}:${index}`;
      data.push(label === undefined ? result : `${result}:${label}`);
    }
  return { name, datatype: "BYTES", shape: [...shape.slice(0, -1), top], data };
}

const DECIMALS = 6;
/** From here on `toFixed` writes an exponent, and every double is an integer. */
const LARGEST_FIXED = 1e21;

/** As C's `%f`: six decimals, rounded from the exact value. */
export function toDecimal(value: ElementValue): string {
  const number = Number(value);
  if (Number.isNaN(number)) return "nan";
  if (!Number.isFinite(number)) return number > 0 ? "inf" : "-inf";
  if (Math.abs(number) >= LARGEST_FIXED) return `${BigInt(number)}.${"0".repeat(DECIMALS)}`;
  if (Object.is(number, -0)) return `-${number.toFixed(DECIMALS)}`;
  // Odd multiples of 1/128 lie halfway between two texts: C takes the even one, toFixed the one further from 0.
  if (Math.abs(number * 128) % 2 !== 1) return number.toFixed(DECIMALS);
  const even = number.toFixed(DECIMALS + 1).slice(0, -1);
  return Number(even.at(-1)) % 2 === 0 ? even : number.toFixed(DECIMALS);
}
