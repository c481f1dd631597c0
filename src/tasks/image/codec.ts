/**
 * Pixels as a codec left them in its own memory: four bytes each (red, green, blue, alpha, not
 * premultiplied), rows from the top. They are gone when the codec is called again.
 */
export type UsePixels<T> = (pixels: Uint8Array, width: number, height: number) => T;

/**
 * One instance of a codec's wasm module. After it has thrown it must not be used again, unless it was a
 * {@link CodecError} that says that the instance is intact.
 */
export interface Codec {
  /**
   * Decodes a file and gives `use` the pixels where they are: a picture of 12 megapixels is 48 MB,
   * which do not fit into an isolate twice.
   * @throws CodecError when the file is none that the codec can decode, and whatever a wasm module
   * throws that has trapped
   */
  decode<T>(file: Uint8Array, use: UsePixels<T>): T;
  /** The size of its wasm memory, which never shrinks. */
  memoryBytes(): number;
}

/** What a codec says of a file that it cannot decode. */
export class CodecError extends Error {
  override readonly name = "CodecError";
  /** Whether the codec came to its end, so that its memory is as it was before the file. */
  readonly instanceIsIntact: boolean;

  constructor(message: string, { instanceIsIntact = false, ...options }: CodecErrorOptions = {}) {
    super(message, options);
    this.instanceIsIntact = instanceIsIntact;
  }
}

interface CodecErrorOptions extends ErrorOptions {
  readonly instanceIsIntact?: boolean;
}
