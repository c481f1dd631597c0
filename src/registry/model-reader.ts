import type { CandidateModel } from "../domain/model-host.ts";
import { ModelAdaptation } from "../onnx/adapt-model.ts";
import { createOnnxScanner } from "../onnx/onnx-outline.ts";
import { concatenateBytes } from "../shared/bytes.ts";

const FORMAT_HEAD_BYTES = 8;

/** Reads a model file in pieces. */
export class ModelReader {
  readonly #scanner: ReturnType<typeof createOnnxScanner>;
  #head = new Uint8Array();
  #failure: { readonly error: unknown } | undefined;

  /** @param sizeBytes of the file */
  constructor(sizeBytes: number) {
    this.#scanner = createOnnxScanner(sizeBytes);
  }

  /** A FlatBuffers file has its identifier in bytes 4 to 7; that of ORT models is "ORTM". */
  get format(): CandidateModel["format"] {
    return new TextDecoder().decode(this.#head.subarray(4, 8)) === "ORTM" ? "ort" : "onnx";
  }

  write(chunk: Uint8Array): void {
    if (this.#head.byteLength >= FORMAT_HEAD_BYTES) {
      this.#scan(chunk);
      return;
    }
    this.#head = concatenateBytes([this.#head, chunk]);
    if (this.#head.byteLength >= FORMAT_HEAD_BYTES) this.#scan(this.#head);
  }

  /**
   * @returns `undefined` for a file in ORT format
   * @throws OnnxError
   */
  finish(): ModelAdaptation | undefined {
    if (this.format === "ort") return undefined;
    if (this.#head.byteLength < FORMAT_HEAD_BYTES) this.#scan(this.#head);
    if (this.#failure) throw this.#failure.error;
    return new ModelAdaptation(this.#scanner.finish());
  }

  #scan(bytes: Uint8Array): void {
    if (this.#failure || this.format === "ort") return;
    try {
      this.#scanner.write(bytes);
    } catch (error) {
      // The rest is still read, so that the client gets its answer.
      this.#failure = { error };
    }
  }
}
