const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Every character of a text in UTF-8, a mark at its beginning included; `undefined` for other bytes. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}
