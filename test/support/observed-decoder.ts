import { createCall } from "../../src/domain/call.ts";
import type { Codec } from "../../src/tasks/image/codec.ts";
import { createCodecStore } from "../../src/tasks/image/codec-store.ts";
import { createImageDecoder, type DecodeImage } from "../../src/tasks/image/decode-image.ts";
import { instantiateCodec } from "../../src/tasks/image/jsquash-codecs.ts";
import type { Raster } from "../../src/tasks/image/raster.ts";

/** A decoder for a call without limits. */
export type Decode = <T>(file: Uint8Array, path: string, use: (image: Raster) => T) => Promise<T>;

export function withoutLimits(decodeImage: DecodeImage): Decode {
  const { checkpoint } = createCall();
  return (file, path, use) => decodeImage(file, path, use, checkpoint);
}

export interface ObservedDecoder {
  readonly decodeImage: Decode;
  readonly made: { format: string; codec: Codec }[];
}

/** A decoder with the packages' own wasm in Node, and every codec that it made. */
export function createObservedDecoder(): ObservedDecoder {
  const made: ObservedDecoder["made"] = [];
  const codecs = createCodecStore(async (format) => {
    const codec = await instantiateCodec(format);
    made.push({ format, codec });
    return codec;
  });
  const decodeImage = withoutLimits(createImageDecoder(codecs));
  return { decodeImage, made };
}
