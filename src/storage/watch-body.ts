import type { ReadObject } from "../domain/object-store.ts";
import { toHex } from "../shared/hex.ts";
import { failureOf, pumpBytes } from "../shared/pump-bytes.ts";

/** Waits for a read of a body. */
export type LimitRead = <T>(read: Promise<T>) => Promise<T>;

/**
 * The body of an object, which fails when it does not go on, or ends before or after its end: its reader takes that for a failure of
 * storage, and not for another object.
 */
export function watchBody(
  key: string,
  stored: ReadableStream<Uint8Array>,
  sizeBytes: number,
  limit: LimitRead,
): Pick<ReadObject, "body" | "failure"> {
  let received = 0;
  const body = pumpBytes(stored, {
    wait: limit,
    observe: ({ byteLength }) => {
      received += byteLength;
    },
    async finish() {
      checkSize(key, received, sizeBytes);
    },
  });
  return { body, failure: () => failureOf(body) };
}

/**
 * Reads the body of a small object at once, and compares it with what storage says of it.
 * @param md5 `undefined` where storage does not have it
 * @throws Error when it is not what is stored
 */
export async function readBody(
  key: string,
  stored: ReadableStream<Uint8Array>,
  { sizeBytes, md5 }: { readonly sizeBytes: number; readonly md5: ArrayBuffer | undefined },
  limit: LimitRead,
): Promise<ReadableStream<Uint8Array>> {
  const response = new Response(stored);
  const bytes = new Uint8Array(await limit(response.arrayBuffer()));
  checkSize(key, bytes.byteLength, sizeBytes);
  // The command line reads objects in Node, whose Web Crypto has no MD5.
  if (md5 && "DigestStream" in crypto && (await md5Of(bytes)) !== toHex(new Uint8Array(md5)))
    throw new Error(`${key} has arrived with other bytes than are stored`);
  return new Response(bytes).body ?? new Blob().stream();
}

function checkSize(key: string, received: number, sizeBytes: number): void {
  if (received !== sizeBytes)
    throw new Error(`${key} has ended after ${received} bytes of ${sizeBytes}`);
}

async function md5Of(bytes: Uint8Array): Promise<string> {
  const stream = new crypto.DigestStream("MD5");
  const writer = stream.getWriter();
  await writer.write(bytes);
  await writer.close();
  return toHex(new Uint8Array(await stream.digest));
}
