import { createHash, timingSafeEqual, webcrypto } from "node:crypto";
import { vi } from "vitest";

/** Gives a test in Node what the runtime uses of workerd's globals. */
export function stubWorkersGlobals(): void {
  vi.stubGlobal("crypto", {
    DigestStream,
    getRandomValues: <T extends Uint8Array | Uint32Array>(values: T): T =>
      webcrypto.getRandomValues(values),
    randomUUID: () => webcrypto.randomUUID(),
    // Its methods are those of this one object.
    subtle: new Proxy(webcrypto.subtle, {
      get: (subtle, name) =>
        name === "timingSafeEqual" ? timingSafeEqual : Reflect.get(subtle, name).bind(subtle),
    }),
  });
  vi.stubGlobal("FixedLengthStream", FixedLengthStream);
  vi.stubGlobal("IdentityTransformStream", IdentityTransformStream);
  // ECMAScript 2026, which workerd has and Node 24 has not.
  Uint8Array.prototype.toHex ??= function toHex(this: Uint8Array) {
    return Buffer.from(this).toString("hex");
  };
  Uint8Array.prototype.toBase64 ??= function toBase64(
    this: Uint8Array,
    { alphabet = "base64", omitPadding = false } = {},
  ) {
    // Buffer leaves the padding out of base64url alone.
    const text = Buffer.from(this).toString(alphabet).replace(/=+$/, "");
    return omitPadding ? text : text.padEnd(Math.ceil(text.length / 4) * 4, "=");
  };
}

/** workerd's, as far as it is used here. It takes the bytes late, as it is allowed to. */
class DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;

  constructor(algorithm: string) {
    const hash = createHash(algorithm.replace("-", ""));
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

/** workerd's: a body of another length fails, and its writers may use their buffers again. */
class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(sizeBytes: number) {
    let leftBytes = sizeBytes;
    super({
      transform(chunk, controller) {
        leftBytes -= chunk.byteLength;
        if (leftBytes < 0) throw new TypeError("Attempt to write too many bytes");
        controller.enqueue(chunk.slice());
      },
      flush() {
        if (leftBytes > 0) throw new TypeError("FixedLengthStream did not see all expected bytes");
      },
    });
  }
}

/** workerd's: its writers may use their buffers again. */
class IdentityTransformStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor() {
    super({ transform: (chunk, controller) => controller.enqueue(chunk.slice()) });
  }
}
