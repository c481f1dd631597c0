import { readVarint, truncated } from "../node-reader.ts";
import { OnnxError } from "../onnx-scanner.ts";
import { decodeText } from "../text.ts";
import { type NumberList, TextList } from "./onnx-graph.ts";

/** Bytes that are read between two pauses: a few milliseconds. */
const BYTES_PER_STEP = 262_144;

const MIN_INT32 = -2_147_483_648;
const MAX_INT32 = 2_147_483_647;

/** Numbers of a repeated field, which come one by one or packed, in a file that may have millions. */
export class IntegerBuilder {
  #list: Int32Array | Float64Array = new Int32Array(16);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#list.length) this.#grow(this.#list, this.#length * 2);
    if (this.#list instanceof Int32Array && (value > MAX_INT32 || value < MIN_INT32))
      this.#list = Float64Array.from(this.#list);
    this.#list[this.#length++] = value;
  }

  *pushPacked(bytes: Uint8Array): Generator<undefined, void> {
    this.reserve(countVarints(bytes));
    let paused = 0;
    for (const cursor = { bytes, at: 0 }; cursor.at < bytes.byteLength; ) {
      this.push(readVarint(cursor));
      if (cursor.at - paused < BYTES_PER_STEP) continue;
      paused = cursor.at;
      yield;
    }
  }

  reserve(count: number): void {
    if (this.#length + count > this.#list.length) this.#grow(this.#list, this.#length + count);
  }

  finish(): Int32Array | Float64Array {
    return this.#list.length === this.#length ? this.#list : this.#list.slice(0, this.#length);
  }

  #grow(list: Int32Array | Float64Array, length: number): void {
    const larger = list instanceof Int32Array ? new Int32Array(length) : new Float64Array(length);
    larger.set(list.subarray(0, this.#length));
    this.#list = larger;
  }
}

/** FP32 or FP64 numbers of a repeated field, one by one or packed. */
export class FloatBuilder {
  readonly #isDouble: boolean;
  #list: Float32Array | Float64Array;
  #length = 0;

  constructor(isDouble = false) {
    this.#isDouble = isDouble;
    this.#list = this.#create(16);
  }

  push(value: number): void {
    if (this.#length === this.#list.length) this.reserve(this.#length);
    this.#list[this.#length++] = value;
  }

  /** @param bytes of one or several numbers */
  pushBytes(bytes: Uint8Array): void {
    const size = this.#isDouble ? 8 : 4;
    if (bytes.byteLength % size !== 0) throw truncated();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.reserve(bytes.byteLength / size);
    for (let at = 0; at < bytes.byteLength; at += size)
      this.#list[this.#length++] = this.#isDouble
        ? view.getFloat64(at, true)
        : view.getFloat32(at, true);
  }

  reserve(count: number): void {
    if (this.#length + count <= this.#list.length) return;
    const larger = this.#create(Math.max(this.#length + count, this.#length * 2));
    larger.set(this.#list.subarray(0, this.#length));
    this.#list = larger;
  }

  finish(): NumberList {
    return this.#list.length === this.#length ? this.#list : this.#list.slice(0, this.#length);
  }

  #create(length: number): Float32Array | Float64Array {
    return this.#isDouble ? new Float64Array(length) : new Float32Array(length);
  }
}

/** Distinct texts that are compared byte by byte before a text is decoded. */
const COMPARED = 8;

/** Texts of a repeated field, each decoded once. */
export class TextBuilder {
  readonly #indices = new IntegerBuilder();
  readonly #distinct: string[] = [];
  readonly #bytes: Uint8Array[] = [];
  readonly #known = new Map<string, number>();

  /** @throws OnnxError for bytes that are not UTF-8 */
  push(bytes: Uint8Array): void {
    const index = this.#bytes.findIndex((known) => isSame(known, bytes));
    this.#indices.push(index >= 0 ? index : this.#indexOf(bytes));
  }

  finish(): TextList {
    return new TextList(this.#distinct, Int32Array.from(this.#indices.finish()));
  }

  #indexOf(bytes: Uint8Array): number {
    const text = toText(bytes);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const index = this.#distinct.push(text) - 1;
    this.#known.set(text, index);
    if (this.#bytes.length < COMPARED) this.#bytes.push(bytes);
    return index;
  }
}

/** @throws OnnxError for bytes that are not UTF-8 */
export function toText(bytes: Uint8Array): string {
  const text = decodeText(bytes);
  if (text !== undefined) return text;
  throw new OnnxError("the file is not a valid ONNX model: a text in a node is not UTF-8");
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  if (left.byteLength !== right.byteLength) return false;
  for (let at = 0; at < left.byteLength; at++) if (left[at] !== right[at]) return false;
  return true;
}

function countVarints(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte < 0x80) count++;
  return count;
}
