import jpegFactory from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import jpegWasm from "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm";
import * as pngFile from "@jsquash/png/codec/pkg/squoosh_png_bg.wasm";
import webpFactory from "@jsquash/webp/codec/dec/webp_dec.js";
import webpWasm from "@jsquash/webp/codec/dec/webp_dec.wasm";
import type { Codec } from "./codec.ts";
import { instantiateEmscriptenCodec } from "./emscripten-codec.ts";
import type { ImageFormat } from "./header.ts";
import { instantiatePngCodec } from "./png-codec.ts";

// The package has types of this file that are of another way to import it.
const { default: pngWasm } = pngFile as unknown as { readonly default: WebAssembly.Module };

/** Turned pixels would be a second copy of them: the caller reads them in another order. */
const TURN_UPRIGHT = false;

/** A new instance of the codec for a format, with a memory of its own. */
export async function instantiateCodec(format: ImageFormat): Promise<Codec> {
  switch (format) {
    case "jpeg":
      return instantiateEmscriptenCodec(jpegFactory, jpegWasm, [TURN_UPRIGHT]);
    case "png":
      return instantiatePngCodec(pngWasm);
    case "webp":
      return instantiateEmscriptenCodec(webpFactory, webpWasm);
  }
}
