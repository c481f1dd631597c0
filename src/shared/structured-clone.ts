/** A message of the RPC of Workers may have 32 MiB; what is larger crosses as a stream of bytes. */
export const MAX_CLONE_BYTES = 25_165_824;
/** A buffer that is larger than a part of it by this factor is not sent for the sake of the part. */
const OWN_BYTES_FACTOR = 1.25;

/** The bytes, copied when they are a small part of their buffer: a structured clone of a view is one of its whole buffer. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength * OWN_BYTES_FACTOR < bytes.buffer.byteLength ? bytes.slice() : bytes;
}
