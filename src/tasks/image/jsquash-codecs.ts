import jpegFactory from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import jpegWasm from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";
import * as pngFile from "@jsquash/png/codec/pkg/squoosh_png_bg.wasm";
import webpFactory from "@jsquash/webp/codec/dec/webp_dec.js";
import webpWasm from "@jsquash/webp/codec/dec/webp_dec.wasm";
import type { Codec } from "./codec.ts";
import { instantiateEmscriptenCodec } from "./emscripten-codec.ts";
import type { ImageFormat } from "./image-header.ts";
import { instantiatePngCodec } from "./png-codec.ts";

// The types of the package are those of another way to import this file.
const { default: pngWasm } = pngFile as unknown as { readonly default: WebAssembly.Module };

/** The decoder would copy the pixels to rotate them: callers apply the orientation by strides. */
const APPLY_ORIENTATION = false;

/** Instantiates the codec of a format, with a memory of its own. */
export async function instantiateCodec(format: ImageFormat): Promise<Codec> {
  switch (format) {
    case "jpeg":
      return instantiateEmscriptenCodec(jpegFactory, jpegWasm, [APPLY_ORIENTATION]);
    case "png":
      return instantiatePngCodec(pngWasm);
    case "webp":
      return instantiateEmscriptenCodec(webpFactory, webpWasm);
  }
}
