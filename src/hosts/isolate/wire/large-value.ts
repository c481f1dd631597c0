import { readAtMost, toByteStream } from "./clone-limits.ts";

/**
 * A value that is too large for one message, as a stream of bytes: the length of the JSON in 4 bytes, little-endian, then the JSON, then byte
 * strings, end to end. In the JSON, `{"$": [tag, content]}` is a tagged value, which may be one of these:
 *
 * | tag | content |
 * | --- | --- |
 * | `bytes` | length of the next byte string |
 * | `bigint` | decimal digits |
 * | `zero` | none: -0, which JSON does not have |
 * | `object` | names and values of an object that has a field `$` itself |
 */
const TAG = "$";
const LENGTH_BYTES = 4;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

type TagOf = (value: object) => { readonly tag: string; readonly content: unknown } | undefined;
type Untag = (tag: string, content: unknown) => unknown;

/** Writes one value. */
export class LargeValueWriter {
  readonly #tagOf: TagOf;
  readonly #json: Uint8Array;
  readonly #bytes: Uint8Array[] = [];

  constructor(tagOf: TagOf, value: unknown) {
    this.#tagOf = tagOf;
    this.#json = ENCODER.encode(JSON.stringify(this.#toJson(value)));
  }

  get sizeBytes(): number {
    const start = LENGTH_BYTES + this.#json.byteLength;
    return this.#bytes.reduce((sum, { byteLength }) => sum + byteLength, start);
  }

  toStream(): ReadableStream<Uint8Array> {
    const head = new Uint8Array(LENGTH_BYTES);
    new DataView(head.buffer).setUint32(0, this.#json.byteLength, true);
    return toByteStream([head, this.#json, ...this.#bytes]);
  }

  #toJson(value: unknown): unknown {
    if (typeof value === "bigint") return { [TAG]: ["bigint", String(value)] };
    if (Object.is(value, -0)) return { [TAG]: ["zero"] };
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return value;
    if (value instanceof Uint8Array) {
      this.#bytes.push(value);
      return { [TAG]: ["bytes", value.byteLength] };
    }
    if (Array.isArray(value)) return value.map((element) => this.#toJson(element));
    const tagged = this.#tagOf(value);
    if (tagged) return { [TAG]: [tagged.tag, this.#toJson(tagged.content)] };
    const fields = Object.entries(value).map(([name, field]) => [name, this.#toJson(field)]);
    return Object.hasOwn(value, TAG) ? { [TAG]: ["object", fields] } : Object.fromEntries(fields);
  }
}

export async function readLargeValue(
  stream: ReadableStream<Uint8Array>,
  untag: Untag,
  maxBytes: number,
): Promise<unknown> {
  const all = await readAtMost(stream, maxBytes);
  let offset = LENGTH_BYTES + new DataView(all.buffer, all.byteOffset).getUint32(0, true);
  if (offset > all.byteLength) throw new RangeError("the value is shorter than it says");

  function restore(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(restore);
    if (TAG in value) return restoreTagged(value[TAG] as [string, unknown]);
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, restore(field)]));
  }

  function restoreTagged([tag, content]: [string, unknown]): unknown {
    switch (tag) {
      case "bytes":
        offset += Number(content);
        return all.subarray(offset - Number(content), offset);
      case "bigint":
        return BigInt(String(content));
      case "zero":
        return -0;
      case "object":
        return Object.fromEntries(
          (content as [string, unknown][]).map(([name, field]) => [name, restore(field)]),
        );
      default:
        return untag(tag, restore(content));
    }
  }

  return restore(JSON.parse(DECODER.decode(all.subarray(LENGTH_BYTES, offset))));
}
