import { fileURLToPath } from "node:url";
import type { Plugin } from "vitest/config";

const WASM = /\.wasm$/;
const BINARY = /\.bin$/;

/**
 * What a Worker's build does with imports of .wasm and .bin files, for modules of the Worker that a
 * test runs in Node.
 */
export const workerModules: Plugin = {
  name: "worker-modules",
  enforce: "pre",
  resolveId: {
    filter: { id: /^[^\0].*\.wasm$/ },
    // Marked as virtual: otherwise Vitest would let Node import it, which instantiates it.
    handler: (source) => `\0virtual:${fileURLToPath(import.meta.resolve(source))}`,
  },
  load: {
    filter: { id: [WASM, BINARY] },
    handler(id) {
      const file = JSON.stringify(id.replace("\0virtual:", ""));
      const bytes = `(await import("node:fs")).readFileSync(${file})`;
      if (WASM.test(id)) return `export default new WebAssembly.Module(${bytes});`;
      return `export default new Uint8Array(${bytes}).buffer;`;
    },
  },
};
