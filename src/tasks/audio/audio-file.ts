import { ApiError } from "../../domain/errors.ts";
import { describeBytes } from "../../domain/recognize-media.ts";
import { flacFile } from "./codecs/flac.ts";
import { mp3File } from "./codecs/mp3.ts";
import { isMp3 } from "./codecs/mp3-frames.ts";
import { readOgg } from "./codecs/ogg.ts";
import { isOpus, opusFile } from "./codecs/opus.ts";
import { isVorbis, vorbisFile } from "./codecs/vorbis.ts";
import { type CompressedFile, type Refuse, readCompressed } from "./compressed-audio.ts";
import { parseWav, type Wav } from "./wav.ts";

const MIN_SAMPLE_RATE = 1000;
const MAX_SAMPLE_RATE = 384_000;

/**
 * Reads the headers of a WAV, MP3, FLAC or Ogg file (Vorbis or Opus), whichever it is by its bytes.
 * @param path its name in messages
 * @throws ApiError `invalid_input` that names what is wrong with the file
 */
export function parseAudio(bytes: Uint8Array, path: string): Wav {
  const start = String.fromCharCode(...bytes.subarray(0, 4));
  if (start === "OggS") return compressed("an Ogg", readOggFile);
  if (start === "fLaC") return compressed("a FLAC", flacFile);
  if (isMp3(bytes)) return compressed("an MP3", mp3File);
  return parseWav(bytes, path);

  function compressed(
    name: string,
    read: (bytes: Uint8Array, refuse: Refuse) => CompressedFile,
  ): Wav {
    const refuse: Refuse = (problem) =>
      new ApiError("invalid_input", `${path} cannot be read as ${name} file: ${problem}.`);
    const file = read(bytes, refuse);
    const { sampleRate, channels, frames } = file;
    if (channels < 1) throw refuse("it has no channels");
    if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE)
      throw refuse(
        `its rate is ${sampleRate} Hz, outside ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz`,
      );
    if (!Number.isSafeInteger(frames) || frames <= 0) throw refuse("it has no samples");
    return readCompressed(file, refuse);
  }
}

function readOggFile(bytes: Uint8Array, refuse: Refuse): CompressedFile {
  const stream = readOgg(bytes, refuse);
  if (isVorbis(stream.packets)) return vorbisFile(stream, refuse);
  if (isOpus(stream.packets)) return opusFile(stream, refuse);
  throw refuse(
    `its stream is neither Vorbis nor Opus; its first packet is ${describeBytes(stream.packets[0] ?? bytes)}`,
  );
}
