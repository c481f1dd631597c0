/**
 * An API key: `of_live_`, its id of 12 characters, a secret of 32 and a checksum of 6, all of them letters and digits. 62^32 secrets
 * are 190 bits, so a digest without salt and without work is enough to store. The checksum tells a key from a text that only looks
 * like one, without asking anybody: for scanners of secrets, and for guesses.
 */
export const API_KEY_PREFIX = "of_live_";
export const KEY_ID_LENGTH = 12;
export const KEY_ID = /^[0-9A-Za-z]{12}$/;

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
export const API_KEY_LENGTH =
  API_KEY_PREFIX.length + KEY_ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH;
const API_KEY = /^of_live_[0-9A-Za-z]{50}$/;
/** The largest multiple of 62 that a byte holds: what is above would favour some digits. */
const FAIR_BYTES = 256 - (256 % DIGITS.length);

export function generateKeyId(): string {
  return randomDigits(KEY_ID_LENGTH);
}

/** A key of this id with a new secret. */
export function generateApiKey(id: string): string {
  const begin = `${API_KEY_PREFIX}${id}${randomDigits(SECRET_LENGTH)}`;
  return `${begin}${checksumOf(begin)}`;
}

/** @returns the id of the key; `undefined` for a text that was never one */
export function keyIdIn(text: string): string | undefined {
  if (!API_KEY.test(text)) return undefined;
  const end = API_KEY_LENGTH - CHECKSUM_LENGTH;
  if (checksumOf(text.slice(0, end)) !== text.slice(end)) return undefined;
  return text.slice(API_KEY_PREFIX.length, API_KEY_PREFIX.length + KEY_ID_LENGTH);
}

function randomDigits(length: number): string {
  let digits = "";
  while (digits.length < length)
    for (const byte of crypto.getRandomValues(new Uint8Array(length)))
      if (byte < FAIR_BYTES && digits.length < length) digits += DIGITS[byte % DIGITS.length];
  return digits;
}

/** The CRC-32 as a number of base 62. */
function checksumOf(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let place = 0; place < CHECKSUM_LENGTH; place++) {
    digits = `${DIGITS[rest % DIGITS.length]}${digits}`;
    rest = Math.floor(rest / DIGITS.length);
  }
  return digits;
}

/** Of each byte, by the reversed polynomial of ISO/IEC 3309, as gzip has it. */
const CRC_OF_BYTE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xed_b8_83_20 : value >>> 1;
  return value;
});

/** @param text ASCII */
function crc32(text: string): number {
  let crc = 0xff_ff_ff_ff;
  for (let index = 0; index < text.length; index++)
    crc = (crc >>> 8) ^ (CRC_OF_BYTE[(crc ^ text.charCodeAt(index)) & 0xff] ?? 0);
  return (crc ^ 0xff_ff_ff_ff) >>> 0;
}
