/**
 * The wire format of Protocol Buffers as a tree, so that fields can be changed and the message written again, with
 * right lengths or false ones. Which fields are messages comes from a schema.
 */

/** The messages of a message type: number of the field to name of the type. */
export type MessageSchema = Readonly<Record<string, Readonly<Record<number, string>>>>;

export interface Field {
  number: number;
  content: Content;
  /** Added to the length that is written before the content. */
  falseLength?: number;
}

export type Content =
  | { wire: 0; value: bigint }
  | { wire: 1 | 5; bytes: Uint8Array }
  | { wire: 2; bytes: Uint8Array }
  | { wire: 2; type: string; fields: Field[] };

const MAX_VARINT_BYTES = 10;
const VARINT_MASK = (1n << 64n) - 1n;

/** @throws Error when the bytes are no message; those of a sample always are */
export function parseMessage(bytes: Uint8Array, schema: MessageSchema, type: string): Field[] {
  const fields: Field[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;

  function varint(): bigint {
    let value = 0n;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = view.getUint8(offset++);
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return value;
    }
    throw new Error("a varint is too long");
  }

  function take(length: number): Uint8Array {
    if (offset + length > bytes.length) throw new Error("a field is longer than its message");
    offset += length;
    return bytes.subarray(offset - length, offset);
  }

  while (offset < bytes.length) {
    const key = Number(varint());
    const number = key >>> 3;
    const wire = key & 7;
    if (wire === 0) fields.push({ number, content: { wire, value: varint() } });
    else if (wire === 1 || wire === 5)
      fields.push({ number, content: { wire, bytes: take(wire === 1 ? 8 : 4) } });
    else if (wire === 2) {
      const inner = take(Number(varint()));
      const innerType = schema[type]?.[number];
      fields.push({
        number,
        content: innerType
          ? { wire, type: innerType, fields: parseMessage(inner, schema, innerType) }
          : { wire, bytes: inner },
      });
    } else throw new Error(`wire type ${wire} is not used by ONNX`);
  }
  return fields;
}

export function writeMessage(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(writeField));
}

function writeField({ number, content, falseLength = 0 }: Field): Uint8Array[] {
  const key = writeVarint(BigInt(number * 8 + content.wire));
  if (content.wire === 0) return [key, writeVarint(content.value)];
  const bytes = "fields" in content ? writeMessage(content.fields) : content.bytes;
  if (content.wire !== 2) return [key, bytes];
  return [key, writeVarint(BigInt(Math.max(0, bytes.length + falseLength))), bytes];
}

export function writeVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value & VARINT_MASK;
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
