import {
  type CompressedFile,
  type Decoding,
  meanOfChannels,
  type Refuse,
} from "../compressed-audio.ts";
import type { CodecInstance } from "./codec-instance.ts";
import { type Mp3Frames, readMp3Frames } from "./mp3-frames.ts";

const INPUT_BYTES = 65_536;
/** Samples of one channel that are read at a time: the buffer that the decoder is made for. */
const OUTPUT_SAMPLES = 2889 * 16;
const NEW_FORMAT = -11;
const NEED_MORE = -10;

export function mp3File(bytes: Uint8Array, refuse: Refuse): CompressedFile<"mpg123"> {
  const found = readMp3Frames(bytes, refuse);
  const { sampleRate, channels, frames } = found;
  return {
    codec: "mpg123",
    sampleRate,
    channels,
    frames,
    open: (instance) => openMp3(instance, bytes, found, refuse),
  };
}

function openMp3(
  { functions, allocate, bytes, floats, integers }: CodecInstance<"mpg123">,
  file: Uint8Array,
  { start, end }: Mp3Frames,
  refuse: Refuse,
): Decoding {
  const input = allocate(INPUT_BYTES);
  const output = allocate(OUTPUT_SAMPLES * 2 * 4);
  // The decoder, samples, the sample rate and an error's text.
  const fields = allocate(4 * 4);
  integers(fields, 4).fill(0);
  // Encoders' delay and padding are left out.
  if (functions.create(fields, 1) !== 0) throw new Error("the decoder of MP3 was not made");
  const [decoder = 0] = integers(fields, 1);
  let fed = start;
  let isHungry = true;
  return {
    next() {
      for (;;) {
        if (isHungry) {
          if (fed >= end) return undefined;
          const part = file.subarray(fed, Math.min(end, fed + INPUT_BYTES));
          bytes(input, INPUT_BYTES).set(part);
          functions.feed(decoder, input, part.length);
          fed += part.length;
          isHungry = false;
        }
        integers(fields + 4, 1)[0] = 0;
        const status = functions.read(
          decoder,
          output,
          OUTPUT_SAMPLES * 2,
          fields + 4,
          fields + 8,
          fields + 12,
        );
        const [samples = 0] = integers(fields + 4, 1);
        if (status === NEED_MORE || (status === 0 && samples === 0)) isHungry = true;
        else if (status !== 0 && status !== NEW_FORMAT)
          throw refuse("a frame of it cannot be decoded; it is damaged");
        if (samples > 0)
          return meanOfChannels(
            [floats(output, samples), floats(output + samples * 4, samples)],
            samples,
          );
      }
    },
  };
}
