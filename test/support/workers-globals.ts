import { createHash, webcrypto } from "node:crypto";
import { vi } from "vitest";

/** Gives a test in Node what the runtime uses of workerd's globals. */
export function stubWorkersGlobals(): void {
  vi.stubGlobal("crypto", Object.assign(Object.create(webcrypto), { DigestStream }));
  // ECMAScript 2026, which workerd has and Node 24 does not have.
  Uint8Array.prototype.toHex ??= function toHex(this: Uint8Array) {
    return Buffer.from(this).toString("hex");
  };
}

/** workerd's, as far as it is used here. It takes the bytes late, as it is allowed to. */
class DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;

  constructor() {
    const hash = createHash("sha256");
    const { promise, resolve } = Promise.withResolvers<ArrayBuffer>();
    super({
      async write(chunk) {
        await new Promise(setImmediate);
        hash.update(chunk);
      },
      close: () => resolve(Uint8Array.from(hash.digest()).buffer),
    });
    this.digest = promise;
  }
}
