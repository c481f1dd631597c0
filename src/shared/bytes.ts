export function totalBytes(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const { byteLength } of parts) sum += byteLength;
  return sum;
}

/**
 * The parts, one after the other. A single part is returned itself, not copied.
 * @param sizeBytes of all parts together, where it is known
 */
export function concatenateBytes(
  parts: readonly Uint8Array[],
  sizeBytes = totalBytes(parts),
): Uint8Array<ArrayBuffer> {
  const [only] = parts;
  if (only && parts.length === 1) return only as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}
