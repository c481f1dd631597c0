import { OnnxError } from "../onnx-scanner.ts";
import { toText } from "./read-lists.ts";

/**
 * A table of a flat buffer, whose fields are read where they lie.
 * Source: https://flatbuffers.dev/internals/
 */
export class FlatTable {
  readonly #view: DataView;
  readonly #at: number;
  readonly #fields: number;
  readonly #fieldsEnd: number;

  /** @param at where the table begins */
  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.#fields = at - view.getInt32(at, true);
    this.#fieldsEnd = this.#fields + view.getUint16(this.#fields, true);
  }

  /** The table that a buffer begins with. */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new FlatTable(view, view.getUint32(0, true));
  }

  /** Whether a field has another value than its default. */
  has(field: number): boolean {
    return this.#find(field) !== 0;
  }

  int32(field: number): number {
    const at = this.#find(field);
    return at === 0 ? 0 : this.#view.getInt32(at, true);
  }

  uint8(field: number): number {
    const at = this.#find(field);
    return at === 0 ? 0 : this.#view.getUint8(at);
  }

  /** Exact up to 2^53. */
  int64(field: number): number {
    const at = this.#find(field);
    return at === 0 ? 0 : Number(this.#view.getBigInt64(at, true));
  }

  float32(field: number): number {
    const at = this.#find(field);
    return at === 0 ? 0 : this.#view.getFloat32(at, true);
  }

  text(field: number): string {
    const bytes = this.bytes(field);
    return bytes ? toText(bytes) : "";
  }

  table(field: number): FlatTable | undefined {
    const at = this.#find(field);
    return at === 0 ? undefined : new FlatTable(this.#view, this.#follow(at));
  }

  /** A text or a list of bytes, where it lies. */
  bytes(field: number): Uint8Array | undefined {
    return this.#list(field, 1, (at, count) => this.#bytesAt(at, count));
  }

  tables(field: number): FlatTable[] {
    const list = this.#list(field, 4, (at, count) =>
      Array.from({ length: count }, (_, index) => {
        const entry = at + index * 4;
        return new FlatTable(this.#view, this.#follow(entry));
      }),
    );
    return list ?? [];
  }

  /** The bytes of each text of a list. */
  *texts(field: number): Generator<Uint8Array> {
    const [at, count] = this.#list(field, 4, (start, size) => [start, size] as const) ?? [0, 0];
    for (let index = 0; index < count; index++) {
      const text = this.#follow(at + index * 4);
      yield this.#bytesAt(text + 4, this.#view.getUint32(text, true));
    }
  }

  float32s(field: number): Float32Array {
    const list = this.#list(field, 4, (at, count) => {
      const numbers = new Float32Array(count);
      for (let index = 0; index < count; index++)
        numbers[index] = this.#view.getFloat32(at + index * 4, true);
      return numbers;
    });
    return list ?? new Float32Array();
  }

  *int64s(field: number): Generator<number> {
    const [at, count] = this.#list(field, 8, (start, size) => [start, size] as const) ?? [0, 0];
    for (let index = 0; index < count; index++) {
      const entry = at + index * 8;
      const high = this.#view.getInt32(entry + 4, true);
      yield high * 2 ** 32 + this.#view.getUint32(entry, true);
    }
  }

  /** Where a field is; 0 for one that has its default. */
  #find(field: number): number {
    const entry = this.#fields + 4 + field * 2;
    const offset = entry < this.#fieldsEnd ? this.#view.getUint16(entry, true) : 0;
    return offset === 0 ? 0 : this.#at + offset;
  }

  #follow(at: number): number {
    return at + this.#view.getUint32(at, true);
  }

  #list<T>(
    field: number,
    elementBytes: number,
    read: (at: number, count: number) => T,
  ): T | undefined {
    const found = this.#find(field);
    if (found === 0) return undefined;
    const at = this.#follow(found);
    const count = this.#view.getUint32(at, true);
    if (at + 4 + count * elementBytes > this.#view.byteLength)
      throw new OnnxError("the file is not a valid ORT model: a list of it is not complete");
    return read(at + 4, count);
  }

  #bytesAt(at: number, count: number): Uint8Array {
    if (at + count > this.#view.byteLength)
      throw new OnnxError("the file is not a valid ORT model: a text of it is not complete");
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, count);
  }
}
