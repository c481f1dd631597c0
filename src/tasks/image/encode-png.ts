import { deflate } from "pako";
import { concatenateBytes } from "../../shared/bytes.ts";
import { crc32 } from "./png-checksum.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** The colour type of each kind of pixels. */
const COLOUR_TYPES = { grey: 0, colour: 2 } as const;
const CHANNELS = 3;
const PAETH = 4;

/**
 * A PNG file (third edition) of pixels of three bytes: red, green and blue, rows from the top.
 * @param pixels `width` times `height` of them
 */
export function encodePng(
  pixels: Uint8Array,
  width: number,
  height: number,
): Uint8Array<ArrayBuffer> {
  const data = deflate(filterRows(pixels, width * CHANNELS, height));
  return encodePngFile(data, width, height, "colour");
}

/**
 * The file around compressed rows of 8 bits a channel.
 * @param data rows with their filters, in the zlib format
 */
export function encodePngFile(
  data: Uint8Array,
  width: number,
  height: number,
  pixels: keyof typeof COLOUR_TYPES,
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // What is left at 0 is the only compression, filter and order of rows that there is.
  header.set([8, COLOUR_TYPES[pixels]], 8);
  return concatenateBytes([
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", new Uint8Array()),
  ]);
}

/** Each row as differences from the pixels around it, which compress better: the filter Paeth. */
function filterRows(pixels: Uint8Array, rowBytes: number, height: number): Uint8Array {
  const filtered = new Uint8Array(height * (rowBytes + 1));
  let target = 0;
  for (let row = 0; row < height; row++) {
    filtered[target++] = PAETH;
    for (let at = 0; at < rowBytes; at++) {
      const place = row * rowBytes + at;
      const left = at >= CHANNELS ? (pixels[place - CHANNELS] as number) : 0;
      const above = row > 0 ? (pixels[place - rowBytes] as number) : 0;
      const both = row > 0 && at >= CHANNELS ? (pixels[place - rowBytes - CHANNELS] as number) : 0;
      filtered[target++] = (pixels[place] as number) - nearest(left, above, both);
    }
  }
  return filtered;
}

/** Of three neighbours, the one nearest to what a plane through them would have here. */
function nearest(left: number, above: number, both: number): number {
  const guess = left + above - both;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - both)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : both;
}

function chunk(name: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  for (let at = 0; at < 4; at++) bytes[4 + at] = name.charCodeAt(at);
  bytes.set(body, 8);
  view.setUint32(8 + body.length, crc32(bytes, 4, 8 + body.length));
  return bytes;
}
