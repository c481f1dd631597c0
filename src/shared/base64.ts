/** The value of each character of base64 and base64url; -1 of white space, -2 of others. */
const VALUES = createValues();

function createValues(): Int8Array {
  const values = new Int8Array(128).fill(-2);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  for (const [value, character] of [...alphabet].entries()) values[character.charCodeAt(0)] = value;
  for (const [character, value] of [
    ["+", 62],
    ["-", 62],
    ["/", 63],
    ["_", 63],
  ] as const)
    values[character.charCodeAt(0)] = value;
  for (const space of "\t\n\f\r ") values[space.charCodeAt(0)] = -1;
  return values;
}

const PADDING = "=".charCodeAt(0);

/**
 * Decodes base64 of either alphabet (RFC 4648, sections 4 and 5) with or without padding; white space is skipped.
 * @returns `undefined` for a text that is not base64
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  let end = text.length;
  let padding = 0;
  // Padding ends the text, with white space in between.
  for (; end > 0; end--) {
    const code = text.charCodeAt(end - 1);
    if (code === PADDING) padding++;
    else if (VALUES[code] !== -1) break;
  }
  const bytes = new Uint8Array(Math.floor((end * 3) / 4));
  let length = 0;
  let bits = 0;
  let count = 0;
  for (let at = 0; at < end; at++) {
    const value = VALUES[text.charCodeAt(at)] ?? -2;
    if (value === -1) continue;
    if (value < 0) return undefined;
    bits = (bits << 6) | value;
    count++;
    if (count % 4 !== 0) continue;
    bytes[length++] = bits >> 16;
    bytes[length++] = bits >> 8;
    bytes[length++] = bits;
    bits = 0;
  }
  const rest = count % 4;
  if (rest === 1 || (padding > 0 && (rest === 0 || padding !== 4 - rest))) return undefined;
  if (rest >= 2) bytes[length++] = bits >> (rest === 2 ? 4 : 10);
  if (rest === 3) bytes[length++] = bits >> 2;
  return bytes.subarray(0, length);
}

/** Base64 in the alphabet of URLs (RFC 4648, section 5) without padding; for some kilobytes. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** A multiple of three bytes, so that no part has padding; arguments of one call. */
const PART_BYTES = 24_576;

/** Base64 with padding. `Uint8Array.prototype.toBase64` is newer than the oldest engine that runs this. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += PART_BYTES)
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + PART_BYTES)));
  return text;
}
