import { ApiError } from "../../domain/errors.ts";

/** Reads big-endian and little-endian numbers of a file, and fails beyond its end. */
export class ByteReader {
  readonly file: Uint8Array;
  readonly #view: DataView;
  readonly #problem: string;

  constructor(file: Uint8Array, problem: string) {
    this.file = file;
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    this.#problem = problem;
  }

  fail(why: string): never {
    throw new ApiError("invalid_input", `${this.#problem}: ${why}.`);
  }

  u8(offset: number): number {
    return this.#at(offset, 1).getUint8(offset);
  }

  u16(offset: number, littleEndian = false): number {
    return this.#at(offset, 2).getUint16(offset, littleEndian);
  }

  u24(offset: number): number {
    return this.u16(offset, true) | (this.u8(offset + 2) << 16);
  }

  u32(offset: number, littleEndian = false): number {
    return this.#at(offset, 4).getUint32(offset, littleEndian);
  }

  text(offset: number, length: number): string {
    return String.fromCharCode(...this.file.subarray(offset, offset + length));
  }

  #at(offset: number, bytes: number): DataView {
    if (offset + bytes > this.file.length)
      this.fail(`it ends after ${this.file.length} bytes, in the middle of its header`);
    return this.#view;
  }
}
