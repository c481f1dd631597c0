import type { Refuse } from "../compressed-audio.ts";

/** One logical stream of an Ogg file (RFC 3533). */
export interface OggStream {
  readonly packets: readonly Uint8Array[];
  /** Of the last page that ends a packet: samples until its end. */
  readonly granule: number;
}

const HEADER_BYTES = 27;
const FIRST_PAGE = 2;
const CONTINUED = 1;
/** Of audio in a file of 16 MB: a packet has some milliseconds at least. */
const MAX_PACKETS = 500_000;

/**
 * The packets of a file with one stream, whose pages are complete and have the right checksums.
 * @throws ApiError of `refuse`
 */
export function readOgg(bytes: Uint8Array, refuse: Refuse): OggStream {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packets: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let granule = 0;
  let serial: number | undefined;
  let sequence = 0;
  for (let offset = 0; offset < bytes.length; ) {
    const page = offset;
    if (view.byteLength - page < HEADER_BYTES)
      throw refuse("it ends within a page; it is truncated");
    if (view.getUint32(page) !== 0x4f67_6753 || bytes[page + 4] !== 0)
      throw refuse(`there is no page at its byte ${page}; it is damaged`);
    const flags = bytes[page + 5] as number;
    const segments = bytes[page + 26] as number;
    const lacing = bytes.subarray(page + HEADER_BYTES, page + HEADER_BYTES + segments);
    const body = lacing.reduce((sum, length) => sum + length, 0);
    const end = page + HEADER_BYTES + segments + body;
    if (lacing.length < segments || end > bytes.length)
      throw refuse("it ends within a page; it is truncated");
    if (checksum(bytes.subarray(page, end)) !== view.getUint32(page + 22, true))
      throw refuse(`its page at byte ${page} has a wrong checksum; it is damaged`);
    const number = view.getUint32(page + 14, true);
    if ((flags & FIRST_PAGE) !== 0 && serial !== undefined)
      throw refuse("it has several streams: send one of them");
    serial ??= number;
    const order = view.getUint32(page + 18, true);
    if (number !== serial || order !== sequence)
      throw refuse(`its page ${sequence} is missing; it is damaged`);
    sequence = order + 1;
    if (((flags & CONTINUED) !== 0) !== parts.length > 0)
      throw refuse(`a packet of its page ${order} is not whole; it is damaged`);
    let at = page + HEADER_BYTES + segments;
    let ended = false;
    let start = at;
    for (const length of lacing) {
      at += length;
      if (length === 255) continue;
      parts.push(bytes.subarray(start, at));
      packets.push(joined(parts));
      if (packets.length > MAX_PACKETS) throw refuse(`it has more than ${MAX_PACKETS} packets`);
      parts = [];
      start = at;
      ended = true;
    }
    if (start < at || lacing.at(-1) === 255) parts.push(bytes.subarray(start, at));
    const position = view.getBigInt64(page + 6, true);
    if (ended && position >= 0n) granule = Number(position);
    offset = end;
  }
  if (parts.length > 0) throw refuse("its last packet is not whole; it is truncated");
  if (packets.length === 0) throw refuse("it has no packets");
  return { packets, granule };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const packet = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    packet.set(part, at);
    at += part.length;
  }
  return packet;
}

/** CRC-32 with the polynomial 0x04c11db7, not reflected; the bytes of the checksum count as 0. */
function checksum(page: Uint8Array): number {
  let crc = 0;
  for (let at = 0; at < page.length; at++) {
    const byte = at >= 22 && at < 26 ? 0 : (page[at] as number);
    crc = (crc << 8) ^ (TABLE[((crc >>> 24) ^ byte) & 0xff] as number);
  }
  return crc >>> 0;
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c1_1db7 : 0);
  return crc;
});
