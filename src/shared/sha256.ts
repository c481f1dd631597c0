const ENCODER = new TextEncoder();

/** The 32 bytes of the SHA-256 of the bytes, or of the text's UTF-8. */
export async function sha256(data: Uint8Array | string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = typeof data === "string" ? ENCODER.encode(data) : data;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}
