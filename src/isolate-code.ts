import bundle from "../build/model-isolate.txt";
import type { IsolateCode } from "./hosts/isolate/worker/isolate-loader.ts";
import { ENGINE_FILES } from "./runtime/engine-files.ts";
import { AUDIO_CODEC_FILES } from "./tasks/audio/codecs/codec-files.ts";
import { CODEC_FILES } from "./tasks/image/codec-files.ts";

/**
 * The code of the isolates of models: what `scripts/build-model-isolate.ts` makes of `model-isolate.ts`, and the modules of this Worker that it
 * imports, whose compiled code is shared.
 */
export const ISOLATE_CODE: IsolateCode = createIsolateCode(bundle);

/** @param text the bundle; its first line is a comment with its digest and compatibility date, as JSON */
export function createIsolateCode(text: string): IsolateCode {
  const head = text.slice("// ".length, text.indexOf("\n"));
  const { digest, compatibilityDate } = JSON.parse(head);
  return {
    digest,
    compatibilityDate,
    mainModule: "model-isolate.js",
    modules: { "model-isolate.js": text, ...ENGINE_FILES, ...CODEC_FILES, ...AUDIO_CODEC_FILES },
  };
}
