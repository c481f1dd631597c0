import { readFileSync, writeFileSync } from "node:fs";
import { projectPath } from "./project.ts";

/** The decoders of recordings, by the package that each is compiled and published in. */
export const AUDIO_DECODERS = {
  "flac.wasm": "@wasm-audio-decoders/flac",
  "mpg123.wasm": "mpg123-decoder",
  "opus.wasm": "opus-decoder",
  "vorbis.wasm": "@wasm-audio-decoders/ogg-vorbis",
} as const;

export type AudioDecoderFile = keyof typeof AUDIO_DECODERS;

const FOLDER = projectPath("src", "tasks", "audio", "codecs");

interface Common {
  new (): unknown;
  inflateDynEncodeString(source: string): Promise<Uint8Array>;
}

/**
 * The WebAssembly of a package, which it has as a text within JavaScript: workerd compiles only what is a module of the bundle.
 */
export async function extractAudioDecoder(file: AudioDecoderFile): Promise<Uint8Array> {
  // Its types have no name for it.
  const path: string = "@wasm-audio-decoders/common";
  const { WASMAudioDecoderCommon: common }: { WASMAudioDecoderCommon: Common } = await import(path);
  // Its constructor defines its static functions.
  new common();
  const source = projectPath("node_modules", AUDIO_DECODERS[file], "src", "EmscriptenWasm.js");
  const { default: Emscripten } = await import(source);
  new Emscripten(common);
  return common.inflateDynEncodeString(Emscripten.wasm);
}

export function readAudioDecoder(file: AudioDecoderFile): Uint8Array {
  return new Uint8Array(readFileSync(`${FOLDER}/${file}`));
}

/** Writes the files, after the version of a package has changed. */
export async function writeAudioDecoders(): Promise<void> {
  for (const file of Object.keys(AUDIO_DECODERS) as AudioDecoderFile[])
    writeFileSync(`${FOLDER}/${file}`, await extractAudioDecoder(file));
}
