import { Media } from "../../../../src/domain/media.ts";
import type { Tensor } from "../../../../src/domain/tensor.ts";
import { TokenIds } from "../../../../src/domain/token-ids.ts";
import { toHex } from "../../../../src/shared/hex.ts";
import { createJsonNumber } from "../../../../src/shared/json-number.ts";
import { sha256 } from "../../../../src/shared/sha256.ts";
import type { TestTensor } from "./call.ts";

/** More bytes are returned as their digest. */
const MAX_RETURNED_BYTES = 1_048_576;

export function fromTestTensor({ data, datatype, ...spec }: TestTensor): Tensor {
  if (datatype === "BYTES") return { ...spec, datatype, data: data as readonly string[] };
  if (typeof data === "string") return { ...spec, datatype, data: Uint8Array.fromBase64(data) };
  if (!("fill" in data)) throw new Error(`the data of ${spec.name} is not that of an input`);
  return { ...spec, datatype, data: new Uint8Array(data.sizeBytes).fill(data.fill) };
}

export async function toTestTensor(tensor: Tensor): Promise<TestTensor> {
  if (tensor.datatype === "BYTES") return tensor;
  const { data, ...spec } = tensor;
  if (data.byteLength <= MAX_RETURNED_BYTES)
    return { ...spec, data: Uint8Array.prototype.toBase64.call(data) };
  return { ...spec, data: { sha256: toHex(await sha256(data)), sizeBytes: data.byteLength } };
}

/** The values that stand for others: see `HostCall`. */
const VALUES: Readonly<Record<string, (content: never) => unknown>> = {
  $media: ([type, base64]: [string, string]) => new Media(type, Uint8Array.fromBase64(base64)),
  $filled: ([type, length]: [string, number]) => new Media(type, new Uint8Array(length).fill(1)),
  $tokens: (ids: readonly number[]) => new TokenIds(ids),
  $bigint: (digits: string) => BigInt(digits),
  $number: (text: string) => createJsonNumber(text),
};

export function fromTestValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(fromTestValue);
  const fields = Object.entries(value);
  const [[name, content] = []] = fields;
  const create = name === undefined ? undefined : VALUES[name];
  if (create) return create(content as never);
  return Object.fromEntries(fields.map(([key, field]) => [key, fromTestValue(field)]));
}
