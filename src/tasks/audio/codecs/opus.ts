import {
  type CompressedFile,
  type Decoding,
  meanOfChannels,
  type Refuse,
} from "../compressed-audio.ts";
import type { CodecInstance } from "./codec-instance.ts";
import type { OggStream } from "./ogg.ts";

/** Of decoded samples, whatever the rate of the recording was. */
const SAMPLE_RATE = 48_000;
/** The longest packet: 120 ms. */
const MAX_SAMPLES = 5760;
const MAX_CHANNELS = 8;
const HEADERS = 2;

export function isOpus([first]: readonly Uint8Array[]): boolean {
  return (
    first !== undefined && new TextDecoder("latin1").decode(first.subarray(0, 8)) === "OpusHead"
  );
}

/** An Opus stream (RFC 7845). */
export function opusFile({ packets, granule }: OggStream, refuse: Refuse): CompressedFile<"opus"> {
  const [head = new Uint8Array(0)] = packets;
  if (head.length < 19) throw refuse("its header is too short; it is damaged");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const channels = view.getUint8(9);
  const skip = view.getUint16(10, true);
  const gain = 10 ** (view.getInt16(16, true) / (20 * 256));
  const family = view.getUint8(18);
  const isPlain = family === 0;
  if (
    channels < 1 ||
    channels > (isPlain ? 2 : MAX_CHANNELS) ||
    (!isPlain && head.length < 21 + channels)
  )
    throw refuse(
      `it has ${channels} channels in the mapping family ${family}, which is not supported`,
    );
  const streams = isPlain ? 1 : view.getUint8(19);
  const coupled = isPlain ? channels - 1 : view.getUint8(20);
  const mapping = isPlain ? Uint8Array.of(0, 1) : head.subarray(21, 21 + channels);
  if (streams < 1 || coupled > streams || streams + coupled > 255)
    throw refuse("its header has no streams; it is damaged");
  return {
    codec: "opus",
    sampleRate: SAMPLE_RATE,
    channels,
    frames: granule - skip,
    skip,
    open: (instance) =>
      openOpus(instance, packets, { channels, streams, coupled, mapping, gain }, refuse),
  };
}

interface Layout {
  readonly channels: number;
  readonly streams: number;
  readonly coupled: number;
  readonly mapping: Uint8Array;
  readonly gain: number;
}

function openOpus(
  { functions, allocate, bytes, floats }: CodecInstance<"opus">,
  packets: readonly Uint8Array[],
  { channels, streams, coupled, mapping, gain }: Layout,
  refuse: Refuse,
): Decoding {
  const largest = packets.reduce((most, { length }) => Math.max(most, length), 0);
  const input = allocate(largest);
  const output = allocate(channels * MAX_SAMPLES * 4);
  const table = allocate(channels);
  bytes(table, channels).set(mapping.subarray(0, channels));
  const decoder = functions.create(SAMPLE_RATE, channels, streams, coupled, table, 0, 0);
  let next = HEADERS;
  return {
    next() {
      const packet = packets[next++];
      if (!packet) return undefined;
      bytes(input, packet.length).set(packet);
      const samples = functions.decode(decoder, input, packet.length, output);
      if (samples < 0)
        throw refuse(`its packet ${next - HEADERS} cannot be decoded; it is damaged`);
      const planes = Array.from({ length: channels }, (_, channel) =>
        floats(output + channel * samples * 4, samples),
      );
      const mono = meanOfChannels(planes, samples);
      return gain === 1 ? mono : mono.map((value) => value * gain);
    },
  };
}
