import { ApiError } from "../../domain/errors.ts";
import type { FileRange } from "../../onnx/edit.ts";
import { failureOf } from "../../shared/pump-bytes.ts";
import { quote } from "../../shared/quote.ts";

/** A gap that is read over; what lies farther away is opened anew. */
const MAX_GAP_BYTES = 1_048_576;

/** Reads ranges of sent files. Ranges in ascending order are read from one stream, as exporters write them. */
export class UploadReader {
  readonly #openFile: (path: string, offset: number) => ReadableStream<Uint8Array>;
  #path = "";
  #position = 0;
  #stream: ReadableStream<Uint8Array> | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** What was read of the stream beyond the last range. */
  #rest = new Uint8Array();

  constructor(openFile: (path: string, offset: number) => ReadableStream<Uint8Array>) {
    this.#openFile = openFile;
  }

  /** @throws ApiError `storage_failed` when the file is not there any more, or shorter */
  async *read({ path, offset, sizeBytes }: FileRange): AsyncGenerator<Uint8Array> {
    if (sizeBytes === 0) return;
    const gap = offset - this.#position;
    if (path !== this.#path || gap < 0 || gap > MAX_GAP_BYTES) await this.#open(path, offset);
    for await (const _ of this.#take(offset - this.#position));
    yield* this.#take(sizeBytes);
  }

  async close(): Promise<void> {
    await this.#reader?.cancel().catch(() => undefined);
    this.#reader = undefined;
  }

  async #open(path: string, offset: number): Promise<void> {
    await this.close();
    this.#stream = this.#openFile(path, offset);
    this.#reader = this.#stream.getReader();
    this.#path = path;
    this.#position = offset;
    this.#rest = new Uint8Array();
  }

  async *#take(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      if (this.#rest.byteLength === 0) {
        const next = await this.#reader?.read().catch((error: unknown) => {
          throw (this.#stream && failureOf(this.#stream)) ?? error;
        });
        if (!next || next.done) throw this.#lost(this.#path);
        this.#rest = next.value as Uint8Array<ArrayBuffer>;
      }
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.byteLength);
      this.#position += part.byteLength;
      left -= part.byteLength;
      yield part;
    }
  }

  #lost(path: string): ApiError {
    return new ApiError(
      "storage_failed",
      `The uploaded file ${quote(path)} was changed or deleted while it was read; send it again.`,
    );
  }
}
