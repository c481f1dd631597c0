/** FNV-1a with 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/. No protection against intended collisions. */

const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** Of a text's UTF-16 code units. Another odd multiplier gives an independent hash. */
export function hashText(text: string, multiplier = PRIME): number {
  let hash = OFFSET_BASIS;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), multiplier);
  return hash >>> 0;
}

export function hashBytes(bytes: Uint8Array): number {
  let hash = OFFSET_BASIS;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME);
  return hash >>> 0;
}
