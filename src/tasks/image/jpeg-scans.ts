const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;

/**
 * How many scans a JPEG file has, up to its end marker: files of cameras continue with other images after it.
 * @param offset of the length of the first scan's header
 */
export function readScans(file: Uint8Array, offset: number): number {
  let scans = 1;
  let at = offset + segmentLength(file, offset);
  for (; at + 1 < file.length; at++) {
    if (file[at] !== 0xff) continue;
    const marker = file[at + 1] as number;
    // Coded data: a stuffed byte, padding, or a restart.
    if (marker === 0 || marker === 0xff || marker === 0x01) continue;
    if (marker >= 0xd0 && marker <= 0xd7) continue;
    if (marker === END_OF_IMAGE) break;
    if (marker === START_OF_SCAN) scans++;
    at += 1 + segmentLength(file, at + 2);
  }
  return scans;
}

/** With its own two bytes; at least those. */
function segmentLength(file: Uint8Array, offset: number): number {
  return Math.max(2, ((file[offset] ?? 0) << 8) | (file[offset + 1] ?? 0));
}
