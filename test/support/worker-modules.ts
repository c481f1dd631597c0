import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vitest/config";

const WASM = /\.wasm$/;
const BINARY = /\.bin$/;
const PLATFORM = /^cloudflare:workers$/;
const ISOLATE_BUNDLE = /model-isolate\.txt$/;
/** Classes to extend, which no test in Node calls. */
const PLATFORM_MODULE = `export class RpcTarget {}
export class WorkerEntrypoint { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }
export class DurableObject { constructor(ctx, env) { this.ctx = ctx; this.env = env; } }
export const waitUntil = (work) => void work.catch(() => undefined);`;
/** In place of the code of a model's isolate, which is built for workerd and starts none in Node. */
const NO_ISOLATE = '// {"digest":"none","compatibilityDate":"2026-01-01"}\n';

/**
 * What a Worker's build does with imports of .wasm and .bin files, and what workerd has as modules, for modules of the Worker
 * that a test runs in Node.
 */
export const workerModules: Plugin = {
  name: "worker-modules",
  enforce: "pre",
  resolveId: {
    filter: { id: [/^[^\0].*\.wasm$/, PLATFORM, ISOLATE_BUNDLE] },
    handler(source, importer) {
      if (!WASM.test(source)) return `\0virtual:${source}`;
      const file = source.startsWith(".")
        ? resolve(dirname(importer ?? ""), source)
        : fileURLToPath(import.meta.resolve(source));
      // Marked as virtual: otherwise Vitest would let Node import it, which instantiates it.
      return `\0virtual:${file}`;
    },
  },
  load: {
    filter: { id: [WASM, BINARY, /^\0virtual:/] },
    handler(id) {
      if (PLATFORM.test(id.replace("\0virtual:", ""))) return PLATFORM_MODULE;
      if (ISOLATE_BUNDLE.test(id)) return `export default ${JSON.stringify(NO_ISOLATE)};`;
      const file = JSON.stringify(id.replace("\0virtual:", ""));
      const bytes = `(await import("node:fs")).readFileSync(${file})`;
      if (WASM.test(id)) return `export default new WebAssembly.Module(${bytes});`;
      return `export default new Uint8Array(${bytes}).buffer;`;
    },
  },
};
