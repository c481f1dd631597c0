import { createHash } from "node:crypto";
import { registerHooks } from "node:module";

/**
 * Lets Node import the runtime of the Worker, and gives it what it uses of workerd's globals. To be called before the first import of it.
 */
export function emulateWorker(): void {
  // A Worker imports wasm as a WebAssembly.Module and other files as bytes, while Node would import an instance.
  registerHooks({
    load(url, context, next) {
      const kind = Object.keys(SOURCES).find((extension) => url.endsWith(extension));
      if (!kind) return next(url, context);
      const source = `import { readFileSync } from "node:fs";
        const bytes = readFileSync(new URL(${JSON.stringify(url)}));
        export default ${SOURCES[kind as keyof typeof SOURCES]};`;
      return { format: "module", shortCircuit: true, source };
    },
  });
  addWorkerGlobals();
}

/** What the runtime uses of workerd's globals. */
export function addWorkerGlobals(): void {
  Object.assign(crypto, { DigestStream });
}

const SOURCES = {
  ".wasm": "new WebAssembly.Module(bytes)",
  ".bin": "bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)",
} as const;

/** workerd's: hashes what is written to it. */
class DigestStream extends WritableStream<Uint8Array> {
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
