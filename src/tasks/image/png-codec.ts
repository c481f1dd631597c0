import { type Codec, CodecError, type UsePixels } from "./codec.ts";

/** What the wasm file of @jsquash/png exports, as far as it is called here. */
interface PngExports {
  readonly memory: WebAssembly.Memory;
  decode(pointer: number, length: number): number;
  __wbindgen_malloc(bytes: number, alignment: number): number;
  __wbindgen_free(pointer: number, bytes: number, alignment: number): void;
}

/** The only errors that a file with valid chunks can have. */
const INVALID_DATA =
  "the data of its pixels (IDAT) is damaged, too short, or not as its header (IHDR) says";

/**
 * Instantiates the decoder of @jsquash/png. It replaces the glue code of the package (version 3.1.1), which keeps one
 * instance for ever, also one that has trapped or has grown, and copies the pixels.
 */
export function instantiatePngCodec(wasm: WebAssembly.Module): Codec {
  let receive: UsePixels<void> = () => {};
  const never = (): never => {
    throw new Error("@jsquash/png called an import that only its 16-bit decoder needs");
  };
  const imports = {
    // The numbers at the end are hashes of these functions' Rust signatures.
    __wbg_newwithownedu8clampedarrayandsh_91db5987993a08fb(
      pointer: number,
      length: number,
      width: number,
      height: number,
    ): number {
      receive(
        new Uint8Array(exports.memory.buffer, pointer >>> 0, length >>> 0),
        width >>> 0,
        height >>> 0,
      );
      exports.__wbindgen_free(pointer, length, 1);
      return 0;
    },
    // Its message is the same for every error of the file: "`unwrap_throw` failed".
    __wbindgen_throw(): never {
      throw new CodecError(INVALID_DATA);
    },
    __wbindgen_object_drop_ref: () => {},
    __wbindgen_memory: never,
    __wbg_buffer_a448f833075b71ba: never,
    __wbg_newwithbyteoffsetandlength_099217381c451830: never,
  };
  const instance = new WebAssembly.Instance(wasm, { wbg: imports });
  const exports = instance.exports as unknown as PngExports;

  return {
    decode<T>(file: Uint8Array, use: UsePixels<T>): T {
      let result: { value: T } | undefined;
      receive = (pixels, width, height) => {
        result = { value: use(pixels, width, height) };
      };
      const pointer = exports.__wbindgen_malloc(file.length, 1) >>> 0;
      new Uint8Array(exports.memory.buffer).set(file, pointer);
      try {
        exports.decode(pointer, file.length);
      } finally {
        receive = () => {};
      }
      if (!result) throw new CodecError("no pixels");
      return result.value;
    },
    memoryBytes: () => exports.memory.buffer.byteLength,
  };
}
