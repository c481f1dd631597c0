import { crc32 } from "node:zlib";
import type { Random } from "../random.ts";
import type { MediaFormat } from "../samples/samples.ts";
import { type Container, type Part, readJpeg, readPng, readRiff } from "./containers.ts";
import { hostileText } from "./hostile-text.ts";
import { mutateBytes } from "./mutate-bytes.ts";

/** How a container declares the length of a part: right, or not. */
type Length = (bytes: number) => number;

interface Format {
  read(bytes: Uint8Array): Container;
  /** Names of parts that decoders read. */
  readonly names: readonly string[];
  /** @param broken whether a checksum may be wrong */
  writePart(part: Part, length: Length, broken: boolean): Uint8Array;
  finish?(head: Uint8Array, body: Uint8Array, random: Random): Uint8Array;
}

const EDGES = [0, 1, 2, 255, 256, 65_535, 65_536, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff];

const FORMATS: Partial<Record<MediaFormat, Format>> = {
  png: {
    read: readPng,
    names: [
      "IHDR",
      "PLTE",
      "tRNS",
      "IDAT",
      "IEND",
      "eXIf",
      "zTXt",
      "iTXt",
      "tEXt",
      "iCCP",
      "gAMA",
      "acTL",
      "fcTL",
      "fdAT",
    ],
    writePart({ name, body }, length, broken) {
      const named = Buffer.concat([Buffer.from(name, "latin1"), body]);
      const framed = Buffer.alloc(named.length + 8);
      framed.writeUInt32BE(length(body.length) >>> 0);
      named.copy(framed, 4);
      framed.writeUInt32BE((crc32(named) ^ (broken ? 1 : 0)) >>> 0, named.length + 4);
      return framed;
    },
  },
  jpeg: {
    read: readJpeg,
    names: ["c0", "c2", "c4", "db", "dd", "da", "e0", "e1", "e2", "ee", "fe", "d9", "d8"],
    writePart({ name, body }, length) {
      const framed = Buffer.alloc(4);
      framed.writeUInt8(0xff);
      framed.writeUInt8(Number.parseInt(name, 16) & 0xff, 1);
      framed.writeUInt16BE(length(body.length + 2) & 0xffff, 2);
      return Buffer.concat([framed, body]);
    },
  },
  webp: riff(["VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "EXIF", "XMP ", "ICCP"]),
  wav: riff(["fmt ", "data", "LIST", "fact", "bext", "JUNK", "id3 "]),
};

function riff(names: readonly string[]): Format {
  return {
    read: readRiff,
    names,
    writePart({ name, body }, length) {
      const framed = Buffer.alloc(8);
      framed.write(name.padEnd(4).slice(0, 4), "latin1");
      framed.writeUInt32LE(length(body.length) >>> 0, 4);
      return Buffer.concat([framed, body, Buffer.alloc(body.length % 2)]);
    },
    finish(head, body, random) {
      const corrected = Buffer.from(head);
      const size = random.chance(0.8) ? body.length + 4 : random.pick(EDGES);
      if (corrected.length >= 8) corrected.writeUInt32LE(size >>> 0, 4);
      return Buffer.concat([corrected, body]);
    },
  };
}

/** Changes a file at the places of its format: order, lengths, checksums and fields of its parts; or its bytes. */
export function mutateMedia(bytes: Uint8Array, format: MediaFormat, random: Random): Uint8Array {
  if (format === "csv" || format === "text") return mutateTable(bytes, random);
  const known = FORMATS[format];
  if (!known || random.chance(0.2)) return mutateBytes(bytes, random);
  const { head, parts, tail } = known.read(bytes);
  let changed = [...parts];
  for (let left = 1 + random.below(2); left > 0; left--)
    changed = mutateParts(changed, known, random);
  const oddPart = random.chance(0.25) ? random.below(changed.length + 1) : -1;
  const length: Length = (size) =>
    random.pick([...EDGES, size + 1, size - 1, size * 2, Math.floor(size / 2)]);
  const body = Buffer.concat([
    ...changed.map((part, index) =>
      known.writePart(part, index === oddPart ? length : (size) => size, index === oddPart),
    ),
    tail,
  ]);
  const file = known.finish?.(head, body, random) ?? Buffer.concat([head, body]);
  return random.chance(0.1) ? mutateBytes(file, random) : file;
}

function mutateParts(parts: readonly Part[], { names }: Format, random: Random): Part[] {
  const result = [...parts];
  const at = random.below(result.length);
  const part = result[at];
  if (!part) return [{ name: random.pick(names), body: random.bytes(random.below(40)) }];
  switch (random.below(8)) {
    case 0:
      result.splice(at, 1);
      break;
    case 1:
      result.splice(random.below(result.length + 1), 0, part);
      break;
    case 2:
      result.splice(at, 1);
      result.splice(random.below(result.length + 1), 0, part);
      break;
    case 3:
      result[at] = { ...part, name: random.pick(names) };
      break;
    case 4:
      result.splice(at, 0, { name: random.pick(names), body: random.bytes(random.below(100)) });
      break;
    case 5:
      result[at] = { ...part, body: mutateBytes(part.body, random) };
      break;
    default:
      result[at] = { ...part, body: mutateField(part.body, random) };
  }
  return result;
}

/** Sets an integer of one, two or four bytes near the beginning, where formats keep their fields. */
function mutateField(body: Uint8Array, random: Random): Uint8Array {
  const field = Buffer.from(body);
  const width = random.pick([1, 2, 4]);
  const last = Math.min(field.length - width, 32);
  if (last < 0) return field;
  const at = random.below(last + 1);
  const value = random.chance(0.8) ? random.pick(EDGES) : random.below(2 ** 16);
  if (width === 1) field.writeUInt8(value & 0xff, at);
  else if (random.chance(0.5)) field.writeUIntBE(value % 2 ** (8 * width), at, width);
  else field.writeUIntLE(value % 2 ** (8 * width), at, width);
  return field;
}

function mutateTable(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.2)) return mutateBytes(bytes, random);
  let text: string = Buffer.from(bytes).toString();
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(text.length + 1);
    const inserted = random.pick([
      ",",
      '"',
      '""',
      "\n",
      "\r",
      ";",
      "\t",
      "=1+1",
      "nan",
      "1e999",
      "-",
      hostileText(random),
    ]);
    switch (random.below(4)) {
      case 0:
        text = text.slice(0, at) + inserted + text.slice(at);
        break;
      case 1:
        text = text.replace(/[^,\n]*/g, (cell: string) => (random.chance(0.05) ? inserted : cell));
        break;
      case 2:
        text = text
          .split("\n")
          .slice(random.below(3))
          .join(random.pick(["\n", "\r\n", "\n\n"]));
        break;
      default:
        text =
          text.length < 2000
            ? text + text.slice(at).repeat(random.pick([1, 3, 20]))
            : text.slice(0, at);
    }
  }
  return Buffer.from(text);
}
