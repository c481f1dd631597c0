/**
 * Receives pixels in the codec's own memory: four bytes each (red, green, blue, alpha, not
 * premultiplied), rows from the top. They are valid until the codec is called again.
 */
export type UsePixels<T> = (pixels: Uint8Array, width: number, height: number) => T;

/**
 * One instance of a codec's wasm module. After it has thrown it must not be used again, except after a
 * {@link CodecError} with `instanceIsIntact`.
 */
export interface Codec {
  /**
   * Decodes a file and calls `use` with the pixels, not copied: an image of 12 megapixels is 48 MB,
   * which do not fit into an isolate twice.
   * @throws CodecError for a file that the codec cannot decode, and what a wasm module throws when it traps
   */
  decode<T>(file: Uint8Array, use: UsePixels<T>): T;
  /** The size of its wasm memory, which never shrinks. */
  memoryBytes(): number;
}

/** The error of a codec for a file that it cannot decode. */
export class CodecError extends Error {
  override readonly name = "CodecError";
  /** Whether the codec returned, so that its memory is as it was before the file. */
  readonly instanceIsIntact: boolean;

  constructor(message: string, { instanceIsIntact = false, ...options }: CodecErrorOptions = {}) {
    super(message, options);
    this.instanceIsIntact = instanceIsIntact;
  }
}

interface CodecErrorOptions extends ErrorOptions {
  readonly instanceIsIntact?: boolean;
}
