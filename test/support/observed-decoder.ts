import type { Codec } from "../../src/tasks/image/codec.ts";
import { createCodecStore } from "../../src/tasks/image/codec-store.ts";
import { createImageDecoder, type DecodeImage } from "../../src/tasks/image/decode-image.ts";
import { instantiateCodec } from "../../src/tasks/image/jsquash-codecs.ts";

export interface ObservedDecoder {
  readonly decodeImage: DecodeImage;
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
  const decodeImage = createImageDecoder(codecs);
  return { decodeImage, made };
}
