import type { ModelRuntime } from "../../domain/ports.ts";
import { createCodecStore } from "./codec-store.ts";
import { createImageDecoder, type DecodeImage } from "./decode-image.ts";

/** The image decoder of an isolate. Its codecs are instantiated for the first image, within the models' memory budget. */
export function createBudgetedDecoder(
  runtime: Pick<ModelRuntime, "register" | "reserve">,
): DecodeImage {
  const codecs = createCodecStore(
    async (format) => (await import("./jsquash-codecs.ts")).instantiateCodec(format),
    { reserve: (bytes) => runtime.reserve(bytes) },
  );
  runtime.register(codecs);
  return createImageDecoder(codecs);
}
