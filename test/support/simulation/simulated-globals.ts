import { createHash } from "node:crypto";
import { vi } from "vitest";
import { stubWorkersGlobals } from "../workers-globals.ts";

/** The globals of workerd, without randomness and without threads: in a simulation the schedule alone decides. */
export function stubSimulatedGlobals(): void {
  stubWorkersGlobals();
  let ids = 0;
  vi.stubGlobal("crypto", {
    DigestStream: ImmediateDigestStream,
    randomUUID: () => {
      ids += 1;
      return `${ids.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
    },
    getRandomValues: (bytes: Uint8Array) => {
      ids += 1;
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, ids);
      return bytes;
    },
    subtle: {
      digest: async (_: string, data: Uint8Array) =>
        Uint8Array.from(createHash("sha256").update(data).digest()).buffer,
    },
  });
}

class ImmediateDigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;

  constructor() {
    const hash = createHash("sha256");
    const { promise, resolve } = Promise.withResolvers<ArrayBuffer>();
    super({
      write: (chunk) => void hash.update(chunk),
      close: () => resolve(Uint8Array.from(hash.digest()).buffer),
    });
    this.digest = promise;
  }
}
