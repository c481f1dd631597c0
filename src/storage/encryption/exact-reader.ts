/** Reads a stream in pieces of given sizes. */
export class ExactReader {
  readonly #byob: ReadableStreamBYOBReader | undefined;
  readonly #plain: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** What a stream that is not a byte stream delivered beyond the last piece. */
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#byob = byteReader(stream);
    if (!this.#byob) this.#plain = stream.getReader();
  }

  /** @returns fewer bytes only when the stream ends before; then perhaps none of those that it had left */
  async read(sizeBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    if (sizeBytes === 0) return new Uint8Array();
    return this.#byob ? this.#readInto(this.#byob, sizeBytes) : this.#gather(sizeBytes);
  }

  async cancel(reason?: unknown): Promise<void> {
    await (this.#byob ?? this.#plain)?.cancel(reason);
  }

  async #readInto(
    reader: ReadableStreamBYOBReader,
    sizeBytes: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    let buffer = new ArrayBuffer(sizeBytes);
    let length = 0;
    while (length < sizeBytes) {
      const view = new Uint8Array(buffer, length, sizeBytes - length);
      const { done, value } = await reader.read(view);
      if (done) return new Uint8Array();
      buffer = value.buffer as ArrayBuffer;
      length += value.byteLength;
    }
    return new Uint8Array(buffer, 0, length);
  }

  async #gather(sizeBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(sizeBytes);
    let length = 0;
    while (length < sizeBytes) {
      if (this.#rest.byteLength === 0) {
        const next = await this.#plain?.read();
        if (!next || next.done) return bytes.subarray(0, length);
        this.#rest = next.value;
      }
      const part = this.#rest.subarray(0, sizeBytes - length);
      bytes.set(part, length);
      length += part.byteLength;
      this.#rest = this.#rest.subarray(part.byteLength);
    }
    return bytes;
  }
}

/** `undefined` for a stream that is not a byte stream; bodies from object storage are. */
function byteReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
}
