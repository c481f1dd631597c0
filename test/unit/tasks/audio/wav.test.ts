import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import wavefile from "wavefile";
import { projectPath } from "../../../../scripts/project.ts";
import { concatenateBytes } from "../../../../src/shared/bytes.ts";
import { parseWav } from "../../../../src/tasks/audio/wav.ts";
import { catchApiError } from "../../../support/errors.ts";

/** Frames of two channels, at full scale and in between. */
const LEFT = [0, 0.5, -0.5, 0.25, -1];
const RIGHT = [0, 0.25, -0.25, -0.25, 0.5];
const MEAN = LEFT.map((value, index) => (value + (RIGHT[index] ?? 0)) / 2);

type Scale = (value: number) => number;
const integer =
  (max: number): Scale =>
  (value) =>
    Math.round(value * max);

const FORMS: { name: string; file: string; samples: number[] }[] = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "audio", "wav-forms.json"), "utf8"),
).cases;

/** What wavefile calls its formats, the integers they take, and how far a value may be off. */
const FORMATS: [format: string, scale: Scale, tolerance: number][] = [
  ["8", (value) => Math.min(255, Math.round(value * 128) + 128), 1 / 128],
  ["16", integer(32_767), 1 / 32_767],
  ["24", integer(8_388_607), 1e-6],
  ["32", integer(2_147_483_647), 1e-7],
  ["32f", (value) => value, 0],
  ["64", (value) => value, 0],
];

function write(channels: number, rate: number, format: string, samples: unknown): Uint8Array {
  const file = new wavefile.WaveFile();
  file.fromScratch(channels, rate, format, samples as number[][]);
  return file.toBuffer();
}

describe.each(FORMATS)("samples of format %s", (format, scale, tolerance) => {
  test.each([
    ["one channel", [LEFT], LEFT],
    ["two channels", [LEFT, RIGHT], MEAN],
    ["six channels", Array(6).fill(RIGHT), RIGHT],
  ])("%s", (_, channels, expected) => {
    const scaled = channels.map((channel: number[]) => channel.map(scale));
    const bytes = write(channels.length, 22_050, format, channels.length > 1 ? scaled : scaled[0]);
    if (channels.length > 2) makeExtensible(bytes);
    const wav = parseWav(bytes, "inputs");
    expect(wav).toMatchObject({ sampleRate: 22_050, channels: channels.length, frames: 5 });
    const mono = wav.readMono(0, 100);
    expect(mono).toHaveLength(5);
    for (const [index, value] of expected.entries())
      expect(Math.abs((mono[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(tolerance);
    expect([...wav.readMono(3, 1), ...wav.readMono(4, 9)]).toEqual([...mono.slice(3)]);
    expect(wav.readMono(5, 1)).toHaveLength(0);
  });
});

describe("the samples are those that soundfile reads:", () => {
  test.each(FORMS)("$name", ({ file, samples }) => {
    const wav = parseWav(new Uint8Array(Buffer.from(file, "base64")), "inputs");
    expect(wav.sampleRate).toBe(8000);
    expect([...wav.readMono(0, 1000)]).toEqual(samples.map(Math.fround));
  });
});

test("samples whose header was never completed are read to the end of the file", () => {
  const file = u32(0, u32(0, build(), 40), 4);
  expect(parseWav(file, "inputs").readMono(0, 9)).toEqual(
    parseWav(build(), "inputs").readMono(0, 9),
  );
});

test("unknown chunks are skipped, with their padding", () => {
  const plain = build();
  const bytes = concatenateBytes([
    plain.slice(0, 12),
    chunk("LIST", 3),
    plain.slice(12),
    chunk("id3 ", 7),
  ]);
  expect(parseWav(bytes, "inputs").readMono(0, 4)).toEqual(
    parseWav(plain, "inputs").readMono(0, 4),
  );
});

test("a view of a larger buffer is read at its offset", () => {
  const file = readFileSync(projectPath("test", "fixtures", "audio", "stereo-22050.wav"));
  const shifted = new Uint8Array(file.length + 3);
  shifted.set(file, 3);
  const wav = parseWav(shifted.subarray(3), "inputs");
  expect(wav).toMatchObject({ sampleRate: 22_050, channels: 2, frames: 28_665 });
  expect(wav.readMono(0, 28_665)).toEqual(parseWav(file, "inputs").readMono(0, 28_665));
});

describe("a file is refused, with what is wrong:", () => {
  const extensible = makeExtensible(write(3, 8000, "24", Array(3).fill(LEFT.map(integer(9)))));

  test.each<[name: string, bytes: Uint8Array, message: string]>([
    ["nothing", new Uint8Array(0), "it has 0 bytes"],
    ["too little", build().slice(0, 11), "it has 11 bytes"],
    ["another container", text("OggS", build()), 'it begins with "OggS" and "WAVE"'],
    ["an image", Uint8Array.from({ length: 64 }, () => 0x89), "it begins with"],
    ["a RIFF of another form", text("AVI ", build(), 8), '"RIFF" and "AVI "'],
    ["no chunks", build().slice(0, 12), 'it ends without a "fmt " chunk'],
    ["no samples", build().slice(0, 36), 'it ends without a "data" chunk'],
    ["empty samples", u32(36, u32(0, build().slice(0, 44), 40), 4), "it has no samples"],
    ["half of the only frame", build().slice(0, 45), "it has no samples"],
    ["more than 4,096 chunks", manyChunks(), "it has more than 4096 chunks"],
    [
      "samples first",
      concatenateBytes([build().slice(0, 12), chunk("data", 4)]),
      'before its "fmt " chunk',
    ],
    [
      "two formats",
      concatenateBytes([build().slice(0, 36), build().slice(12)]),
      'two "fmt " chunks',
    ],
    ["a short format", u32(14, build(), 16), 'its "fmt " chunk has 14 bytes'],
    [
      "a format beyond the end",
      u32(0xffff_ffff, build(), 16),
      "has 4294967295 bytes by its header, but 32 follow",
    ],
    ["no channels", u16(0, build(), 22), "it has no channels"],
    ["a rate of 0", u32(0, build(), 24), "its rate is 0 Hz"],
    [
      "a rate of 4e9",
      u32(4e9, build(), 24),
      "its rate is 4000000000 Hz, outside 1000 to 384000 Hz",
    ],
    [
      "a block align of 3",
      u16(3, build(), 32),
      "its block align is 3, but 1 channels of 16 bits take 2",
    ],
    ["too many channels", u16(65_535, build(), 22), "65535 channels of 16 bits take 131070 bytes"],
    ["0 bits", u16(0, build(), 34), "PCM of 0 bits is not supported; PCM of 1 to 32 bits"],
    ["40 bits", u16(40, build(), 34), "PCM of 40 bits is not supported"],
    ["12 bits in 4 bytes", u16(4, u16(12, build(), 34), 32), "1 channels of 12 bits take 2 bytes"],
    ["float of 16 bits", u16(3, build(), 20), "float of 16 bits is not supported"],
    ["MP3", u16(0x55, build(), 20), "the codec 85 (MP3) is not supported"],
    ["IMA ADPCM", adpcm(), "the codec 17 (IMA ADPCM)"],
    ["another codec", u16(0x1234, build(), 20), "the codec 4660 is not supported"],
    ["a short extensible format", u16(0xfffe, build(), 20), 'extensible "fmt " chunk has 16 bytes'],
    [
      "an unknown extensible format",
      u32(1, extensible, 50),
      "extensible format is of an unknown kind",
    ],
  ])("%s", (_, bytes, message) => {
    const error = catchApiError("invalid_input", () => parseWav(bytes, "inputs[2]"));
    expect(error.message).toContain("inputs[2] cannot be read as a WAV file: ");
    expect(error.message).toContain(message);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("%s as a sample", (value) => {
    const wav = parseWav(write(1, 8000, "32f", [0, value]), "inputs");
    expect(catchApiError("invalid_input", () => wav.readMono(0, 2)).message).toContain(
      "frame 1 is",
    );
  });

  test("a sample beyond FP32", () => {
    const wav = parseWav(write(1, 8000, "64", [1e300]), "inputs");
    expect(catchApiError("invalid_input", () => wav.readMono(0, 1)).message).toContain(
      "frame 0 is",
    );
  });
});

test("a file with any byte of its header changed is read or refused, and never has more samples than it has bytes", () => {
  for (let offset = 0; offset < 44; offset++)
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      const bytes = build();
      bytes[offset] = value;
      let wav: ReturnType<typeof parseWav> | undefined;
      try {
        wav = parseWav(bytes, "inputs");
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_input" });
      }
      expect((wav?.frames ?? 0) * (wav?.channels ?? 0)).toBeLessThanOrEqual(8);
    }
});

/** 16 kHz, mono, 16 bits, four samples: a header of 44 bytes and 8 more. */
function build(): Uint8Array {
  return write(1, 16_000, "16", [0, 1000, -1000, 32_767]);
}

/** wavefile writes the extensible format, but under the tag of the plain one, and calls floats PCM in it. */
function makeExtensible(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  expect(view.getUint32(16, true)).toBe(40);
  u16(view.getUint16(20, true), bytes, 44);
  return u16(0xfffe, bytes, 20);
}

function adpcm(): Uint8Array {
  const file = new wavefile.WaveFile();
  file.fromScratch(1, 8000, "16", new Int16Array(1010));
  file.toIMAADPCM();
  return file.toBuffer();
}

function u16(value: number, bytes: Uint8Array, offset: number): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint16(offset, value, true);
  return bytes;
}

function u32(value: number, bytes: Uint8Array, offset: number): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(offset, value, true);
  return bytes;
}

function text(value: string, bytes: Uint8Array, offset = 0): Uint8Array {
  bytes.set(new TextEncoder().encode(value), offset);
  return bytes;
}

/** A chunk of that many bytes, padded to an even length. */
function chunk(id: string, size: number): Uint8Array {
  return u32(size, text(id, new Uint8Array(8 + size + (size % 2))), 4);
}

function manyChunks(): Uint8Array {
  const empty = Array.from({ length: 4100 }, () => chunk("junk", 0));
  return concatenateBytes([build().slice(0, 12), ...empty, build().slice(12)]);
}
