import { fromRawJson } from "../../../shared/json-number.ts";
import { readAtMost, toByteStream } from "./clone-limits.ts";

/**
 * A value that is too large for one message, as a stream of bytes: the length of the JSON in 4 bytes, little-endian, then the JSON, then byte
 * strings, end to end. In the JSON, `{"$": [tag, content]}` is a tagged value, which may be one of these:
 *
 * | tag | content |
 * | --- | --- |
 * | `bytes` | length of the next byte string |
 * | `bigint` | decimal digits |
 * | `object` | names and values of an object that has a field `$` itself |
 */
const TAG = "$";
const LENGTH_BYTES = 4;
/** `JSON.parse` reads it, and `JSON.stringify` writes 0 instead. */
const NEGATIVE_ZERO = fromRawJson("-0");
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
    if (Object.is(value, -0)) return NEGATIVE_ZERO;
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return value;
    if (value instanceof Uint8Array) {
      this.#bytes.push(value);
      return { [TAG]: ["bytes", value.byteLength] };
    }
    if (Array.isArray(value)) return this.#toJsonList(value);
    const tagged = this.#tagOf(value);
    if (tagged) return { [TAG]: [tagged.tag, this.#toJson(tagged.content)] };
    const fields = Object.entries(value).map(([name, field]) => [name, this.#toJson(field)]);
    return Object.hasOwn(value, TAG) ? { [TAG]: ["object", fields] } : Object.fromEntries(fields);
  }

  /** Copied only for what needs a tag: lists of numbers have millions. */
  #toJsonList(list: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (let index = 0; index < list.length; index++) {
      const element = list[index];
      const written = this.#toJson(element);
      if (Object.is(written, element)) continue;
      copy ??= [...list];
      copy[index] = written;
    }
    return copy ?? list;
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
    if (Array.isArray(value)) return restoreList(value);
    if (TAG in value) return restoreTagged(value[TAG] as [string, unknown]);
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, restore(field)]));
  }

  /** In place: the list is that of `JSON.parse`. */
  function restoreList(list: unknown[]): unknown[] {
    for (let index = 0; index < list.length; index++) {
      const element = list[index];
      if (typeof element === "object") list[index] = restore(element);
    }
    return list;
  }

  function restoreTagged([tag, content]: [string, unknown]): unknown {
    switch (tag) {
      case "bytes":
        offset += Number(content);
        return all.subarray(offset - Number(content), offset);
      case "bigint":
        return BigInt(String(content));
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
