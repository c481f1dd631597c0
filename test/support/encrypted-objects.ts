/** Bytes of which no two chunks are the same; `plain_bytes` of recipes/encryption_fixtures.py. */
export function plainBytes(sizeBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) bytes[at] = at * 7 + (at >> 8);
  return bytes;
}

/** The bytes as a stream that is not one of bytes, in parts of this size. */
export function streamInParts(bytes: Uint8Array, partBytes: number): ReadableStream<Uint8Array> {
  let start = 0;
  return new ReadableStream({
    pull(controller) {
      if (start >= bytes.byteLength) controller.close();
      else controller.enqueue(bytes.slice(start, start + partBytes));
      start += partBytes;
    },
  });
}
