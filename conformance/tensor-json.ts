import { type Datatype, isDatatype, NUMERIC_DATATYPES } from "../src/domain/datatype.ts";
import { type NumericTensor, type Tensor, toBytes, toTypedArray } from "../src/domain/tensor.ts";

/**
 * Tensors in JSON as specified by docs/protocol.md, implemented independently of the
 * Worker's own code, so that a fault in one does not hide a fault in the other.
 */

/** Serializes a tensor of a request. */
export function serializeTensor(tensor: Tensor): string {
  const { name, datatype, shape } = tensor;
  const head = JSON.stringify({ name, datatype, shape });
  return `${head.slice(0, -1)},"data":[${serializeElements(tensor).join(",")}]}`;
}

function serializeElements(tensor: Tensor): string[] {
  if (tensor.datatype === "BYTES") return tensor.data.map((text) => JSON.stringify(text));
  const isBool = tensor.datatype === "BOOL";
  const elements: ArrayLike<number | bigint> = toTypedArray(tensor as NumericTensor);
  return Array.from(elements, (element) => (isBool ? String(element !== 0) : serialize(element)));
}

function serialize(element: number | bigint): string {
  if (typeof element === "bigint") {
    const isSafe = BigInt(Number.MIN_SAFE_INTEGER) <= element && element <= Number.MAX_SAFE_INTEGER;
    return isSafe ? String(element) : `"${element}"`;
  }
  if (Object.is(element, -0)) return "-0";
  return Number.isFinite(element) ? String(element) : `"${element}"`;
}

/**
 * Parses the outputs of a response.
 * @throws Error for anything that the protocol does not define
 */
export function parseOutputs(text: string): Tensor[] {
  const { outputs } = JSON.parse(text, keepIntegers) as { outputs: readonly JsonOutput[] };
  return outputs.map(({ name, datatype, shape, data }) => {
    if (!isDatatype(datatype)) throw new Error(`output "${name}" is ${JSON.stringify(datatype)}`);
    return { name, shape: shape.map(Number), ...parseData(datatype, data) } as Tensor;
  });
}

interface JsonOutput {
  readonly name: string;
  readonly datatype: unknown;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** Keeps integers beyond 2^53 - 1 exact. */
function keepIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  const source = context?.source ?? "";
  return /^-?[0-9]+$/.test(source) ? BigInt(source) : value;
}

function parseData(
  datatype: Datatype,
  data: readonly unknown[],
): Pick<Tensor, "datatype" | "data"> {
  const wrong = (value: unknown): never => {
    throw new Error(`${JSON.stringify(value)} is not an element of ${datatype}`);
  };
  if (datatype === "BYTES")
    return { datatype, data: data.map((v) => (typeof v === "string" ? v : wrong(v))) };
  const { array, kind } = NUMERIC_DATATYPES[datatype];
  const values = new array(data.length);
  for (const [index, value] of data.entries()) {
    if (kind === "boolean")
      values[index] = typeof value === "boolean" ? Number(value) : wrong(value);
    else if (kind === "bigint") values[index] = toBigInt(value) ?? wrong(value);
    else if (kind === "float") values[index] = toNumber(value) ?? wrong(value);
    else values[index] = Number.isInteger(value) ? (value as number) : wrong(value);
  }
  return { datatype, data: toBytes(values) };
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function toNumber(value: unknown): number | undefined {
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
}
