import {
  type CompressedFile,
  type Decoding,
  meanOfChannels,
  type Refuse,
} from "../compressed-audio.ts";
import type { CodecInstance } from "./codec-instance.ts";
import type { OggStream } from "./ogg.ts";

/** Of the decoder's own buffer; audio packets of common bit rates have some hundred bytes. */
const INPUT_BYTES = 128 * 1024;
const HEADERS = 3;
const MAX_ERRORS = 256;

export function isVorbis([first]: readonly Uint8Array[]): boolean {
  return first !== undefined && first[0] === 1 && hasName(first);
}

function hasName(packet: Uint8Array): boolean {
  return new TextDecoder("latin1").decode(packet.subarray(1, 7)) === "vorbis";
}

/** A Vorbis stream (Xiph.Org Foundation, "Vorbis I specification"). */
export function vorbisFile(
  { packets, granule }: OggStream,
  refuse: Refuse,
): CompressedFile<"vorbis"> {
  const [identification = new Uint8Array(0), , setup = new Uint8Array(0)] = packets;
  if (identification.length < 30) throw refuse("its first header is too short; it is damaged");
  const view = new DataView(identification.buffer, identification.byteOffset);
  const channels = view.getUint8(11);
  const sampleRate = view.getUint32(12, true);
  if (setup[0] !== 5 || !hasName(setup)) throw refuse("it has no setup header; it is damaged");
  if (packets.some(({ length }) => length > INPUT_BYTES))
    throw refuse(`it has a packet of more than ${INPUT_BYTES} bytes`);
  return {
    codec: "vorbis",
    sampleRate,
    channels,
    frames: granule,
    open: (instance) => openVorbis(instance, packets, identification, setup),
  };
}

function openVorbis(
  { functions, allocate, bytes, floats, integers }: CodecInstance<"vorbis">,
  packets: readonly Uint8Array[],
  identification: Uint8Array,
  setup: Uint8Array,
): Decoding {
  const input = allocate(INPUT_BYTES);
  // The length of the input, the output, channels, sample rate, samples, and how many errors there are.
  const fields = allocate(6 * 4);
  const errors = allocate(MAX_ERRORS * 4);
  const field = (index: number): number => fields + index * 4;
  integers(fields, 6).fill(0);
  const decoder = functions.create(
    input,
    field(0),
    field(1),
    field(2),
    field(3),
    field(4),
    errors,
    field(5),
    MAX_ERRORS,
  );
  const load = (packet: Uint8Array): void => {
    bytes(input, INPUT_BYTES).set(packet);
    integers(field(0), 1)[0] = packet.length;
  };
  load(identification);
  functions.setup(decoder, 1);
  load(setup);
  functions.setup(decoder, 0);
  functions.start(decoder);
  let next = HEADERS;
  return {
    next() {
      const packet = packets[next++];
      if (!packet) return undefined;
      load(packet);
      functions.decode(decoder);
      const [, output = 0, channels = 0, , samples = 0] = integers(fields, 6);
      integers(field(5), 1)[0] = 0;
      const planes = samples > 0 ? Array.from(integers(output, channels)) : [];
      return meanOfChannels(
        planes.map((plane) => floats(plane, samples)),
        samples,
      );
    },
  };
}
