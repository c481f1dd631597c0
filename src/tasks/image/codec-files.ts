import jpegWasm from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";
import * as pngFile from "@jsquash/png/codec/pkg/squoosh_png_bg.wasm";
import webpWasm from "@jsquash/webp/codec/dec/webp_dec.wasm";

// The types of the package are those of another way to import this file.
const { default: pngWasm } = pngFile as unknown as { readonly default: WebAssembly.Module };

/** The WebAssembly modules of the codecs, by the names under which the code of a model's isolate imports them. */
export const CODEC_FILES = {
  "mozjpeg_dec.wasm": { wasm: jpegWasm },
  "squoosh_png_bg.wasm": { wasm: pngWasm },
  "webp_dec.wasm": { wasm: webpWasm },
} as const;
