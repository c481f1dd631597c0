import { DATATYPES } from "../../../domain/datatype.ts";
import type { ModelDescription, RuntimeStats } from "../../../domain/ports.ts";
import type { TensorSpec } from "../../../domain/tensor.ts";
import { InvalidReply, parseAmount, parseObject } from "./parse-reply.ts";

/** @throws InvalidReply */
export function parseStats(value: unknown): RuntimeStats {
  const stats = parseObject(value);
  const amount = (name: string): number => parseAmount(stats[name]);
  return {
    budgetBytes: amount("budgetBytes"),
    usedBytes: amount("usedBytes"),
    loads: amount("loads"),
    evictions: amount("evictions"),
    crashes: amount("crashes"),
    bytesIn: amount("bytesIn"),
    bytesOut: amount("bytesOut"),
    cells: parseList(stats.cells, ({ shared, memoryBytes, fromSnapshot, models }) => ({
      shared: shared === true,
      memoryBytes: parseAmount(memoryBytes),
      fromSnapshot: fromSnapshot === true,
      models: parseList(models, (model) => ({
        ...parseId(model),
        heapBytes: parseAmount(model.heapBytes),
      })),
    })),
    leases: parseList(stats.leases, (lease) => ({
      ...parseId(lease),
      reservedBytes: parseAmount(lease.reservedBytes),
      expiresAt: parseAmount(lease.expiresAt),
      handles: parseAmount(lease.handles),
      handleBytes: parseAmount(lease.handleBytes),
    })),
    kept: parseKept(stats.kept),
  };
}

function parseKept(value: unknown): RuntimeStats["kept"] {
  const { leases, bytes } = parseObject(value);
  return { leases: parseAmount(leases), bytes: parseAmount(bytes) };
}

/** @throws InvalidReply */
export function parseDescription(value: unknown): ModelDescription {
  const { inputs, outputs } = parseObject(value);
  return { inputs: parseList(inputs, parseSpec), outputs: parseList(outputs, parseSpec) };
}

function parseSpec({ name, datatype, shape, optional }: Fields): TensorSpec {
  const known = DATATYPES.find((each) => each === datatype);
  if (known === undefined || !Array.isArray(shape)) throw new InvalidReply("a tensor has no type");
  const isDimension = (size: unknown): boolean =>
    typeof size === "string" || Number.isSafeInteger(size);
  if (!shape.every(isDimension)) throw new InvalidReply("a tensor has no shape");
  return {
    name: parseText(name),
    datatype: known,
    shape,
    ...(typeof optional === "boolean" && { optional }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** Far more than there are of anything. */
const MAX_LENGTH = 10_000;

function parseList<T>(value: unknown, parse: (fields: Fields) => T): T[] {
  if (!Array.isArray(value) || value.length > MAX_LENGTH)
    throw new InvalidReply("a part of the reply is no list, or too long");
  return value.map((element) => parse(parseObject(element)));
}

function parseId({ name, version }: Fields): { readonly name: string; readonly version: string } {
  return { name: parseText(name), version: parseText(version) };
}

function parseText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new InvalidReply("a part of the reply is no text");
}
