import fc from "fast-check";
import {
  DATATYPES,
  type Datatype,
  NUMERIC_DATATYPES,
  type NumericDatatype,
} from "../../src/domain/datatype.ts";
import { anyText } from "./text-arbitraries.ts";

/** The value of a tensor, before any encoding: the elements in row-major order. */
export interface LogicalTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly elements: readonly Element[];
}

export type Element = number | bigint | boolean | string;

/** Any tensor of a datatype, with dimensions of 0 and without dimensions as well. */
export function tensorOf(datatype: Datatype, name = "x"): fc.Arbitrary<LogicalTensor> {
  return fc.array(fc.nat({ max: 3 }), { maxLength: 4 }).chain((shape) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return fc
      .array(elementOf(datatype), { minLength: length, maxLength: length })
      .map((elements) => ({ name, datatype, shape, elements }));
  });
}

/** Any value that a datatype holds; NaN has one form, as in JSON. */
export function elementOf(datatype: Datatype): fc.Arbitrary<Element> {
  switch (datatype) {
    case "BYTES":
      return anyText(12).map((text) => text.toWellFormed());
    case "BOOL":
      return fc.boolean();
    case "INT64":
    case "UINT64": {
      const { min, max } = NUMERIC_DATATYPES[datatype];
      return fc.bigInt({ min: min as bigint, max: max as bigint });
    }
    case "FP64":
      return fc.double();
    case "FP32":
      return fc.float();
    case "FP16":
      return fc.nat({ max: 0xffff }).map((bits) => {
        const value = new Float16Array(Uint16Array.of(bits).buffer)[0] ?? 0;
        return Number.isNaN(value) ? Number.NaN : value;
      });
    default: {
      const { min, max } = NUMERIC_DATATYPES[datatype];
      return fc.integer({ min: min as number, max: max as number });
    }
  }
}

export const anyTensor: fc.Arbitrary<LogicalTensor> = fc
  .constantFrom(...DATATYPES)
  .chain((datatype) => tensorOf(datatype));

/** The elements as lossless JSON text: flat, or nested by the shape. */
export function toJsonText({ shape, elements }: LogicalTensor, nested: boolean): string {
  const flat = elements.map(spell);
  return nested && shape.length > 1 ? nestText(flat, shape) : `[${flat.join(",")}]`;
}

/** The elements as bytes, by the binary tensor data extension, written without the code under test. */
export function toWireBytes({ datatype, elements }: LogicalTensor): Uint8Array {
  return new Uint8Array(Buffer.concat(elements.map((element) => WRITERS[datatype](element))));
}

function spell(element: Element): string {
  if (typeof element === "string") return JSON.stringify(element);
  if (Object.is(element, -0)) return "-0.0";
  const isPlain = typeof element !== "number" || Number.isFinite(element);
  return isPlain ? String(element) : `"${element}"`;
}

function nestText(flat: readonly string[], [length = 0, ...rest]: readonly number[]): string {
  if (rest.length === 0) return `[${flat.join(",")}]`;
  const size = length === 0 ? 0 : flat.length / length;
  const rows = Array.from({ length }, (_, i) =>
    nestText(flat.slice(i * size, (i + 1) * size), rest),
  );
  return `[${rows.join(",")}]`;
}

type Writer = (element: Element) => Buffer;

function writer(sizeBytes: number, write: (buffer: Buffer, element: never) => void): Writer {
  return (element) => {
    const buffer = Buffer.alloc(sizeBytes);
    write(buffer, element as never);
    return buffer;
  };
}

const WRITERS: Readonly<Record<Datatype, Writer>> = {
  BOOL: writer(1, (buffer, value: boolean) => buffer.writeUInt8(value ? 1 : 0)),
  UINT8: writer(1, (buffer, value: number) => buffer.writeUInt8(value)),
  UINT16: writer(2, (buffer, value: number) => buffer.writeUInt16LE(value)),
  UINT32: writer(4, (buffer, value: number) => buffer.writeUInt32LE(value)),
  UINT64: writer(8, (buffer, value: bigint) => buffer.writeBigUInt64LE(value)),
  INT8: writer(1, (buffer, value: number) => buffer.writeInt8(value)),
  INT16: writer(2, (buffer, value: number) => buffer.writeInt16LE(value)),
  INT32: writer(4, (buffer, value: number) => buffer.writeInt32LE(value)),
  INT64: writer(8, (buffer, value: bigint) => buffer.writeBigInt64LE(value)),
  FP16: writer(2, (buffer, value: number) =>
    new DataView(buffer.buffer, buffer.byteOffset).setFloat16(0, value, true),
  ),
  FP32: writer(4, (buffer, value: number) => buffer.writeFloatLE(value)),
  FP64: writer(8, (buffer, value: number) => buffer.writeDoubleLE(value)),
  BYTES: (element) => {
    const text = Buffer.from(element as string);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return Buffer.concat([length, text]);
  },
} satisfies Record<NumericDatatype | "BYTES", Writer>;
