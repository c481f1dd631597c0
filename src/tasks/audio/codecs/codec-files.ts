import flacWasm from "./flac.wasm";
import mp3Wasm from "./mpg123.wasm";
import opusWasm from "./opus.wasm";
import vorbisWasm from "./vorbis.wasm";

/** The WebAssembly modules of the decoders, by the names under which the code of a model's isolate imports them. */
export const AUDIO_CODEC_FILES = {
  "flac.wasm": { wasm: flacWasm },
  "mpg123.wasm": { wasm: mp3Wasm },
  "opus.wasm": { wasm: opusWasm },
  "vorbis.wasm": { wasm: vorbisWasm },
} as const;

export type AudioCodec = "flac" | "mpg123" | "opus" | "vorbis";

export function codecModule(codec: AudioCodec): WebAssembly.Module {
  return AUDIO_CODEC_FILES[`${codec}.wasm`].wasm;
}
