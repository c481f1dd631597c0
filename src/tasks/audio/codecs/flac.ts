import {
  type CompressedFile,
  type Decoding,
  meanOfChannels,
  type Refuse,
} from "../compressed-audio.ts";
import type { CodecInstance } from "./codec-instance.ts";
import { readFlacFrames } from "./flac-frames.ts";

const FIELDS = 8;

export function flacFile(bytes: Uint8Array, refuse: Refuse): CompressedFile<"flac"> {
  const { sampleRate, channels, frames, data } = readFlacFrames(bytes, refuse);
  return {
    codec: "flac",
    sampleRate,
    channels,
    frames,
    open: (instance) => openFlac(instance, data, refuse),
  };
}

function openFlac(
  { functions, allocate, free, bytes, floats, integers }: CodecInstance<"flac">,
  data: readonly Uint8Array[],
  refuse: Refuse,
): Decoding {
  // Channels, sample rate, bits, samples, the output, its length, and two texts of errors.
  const fields = allocate(FIELDS * 4);
  integers(fields, FIELDS).fill(0);
  const field = (index: number): number => fields + index * 4;
  const decoder = functions.create(
    field(0),
    field(1),
    field(2),
    field(3),
    field(4),
    field(5),
    field(6),
    field(7),
  );
  let next = 0;
  return {
    next() {
      const frame = data[next++];
      if (!frame) return undefined;
      // The decoder frees it.
      const input = allocate(frame.length);
      bytes(input, frame.length).set(frame);
      functions.decode(decoder, input, frame.length);
      const [channels = 0, , bits = 0, samples = 0, output = 0] = integers(fields, FIELDS);
      if (samples === 0) throw refuse(`its frame ${next - 1} cannot be decoded; it is damaged`);
      const planes = Array.from({ length: channels }, (_, channel) =>
        floats(output + channel * samples * 4, samples),
      );
      const mono = meanOfChannels(planes, samples);
      // The decoder divides by the largest integer, where full scale is one more.
      const scale = (2 ** (bits - 1) - 1) / 2 ** (bits - 1);
      for (let at = 0; at < samples; at++) mono[at] = (mono[at] as number) * scale;
      free(output);
      integers(fields + 12, 3).fill(0);
      return mono;
    },
  };
}
