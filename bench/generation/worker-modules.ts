import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

/** What a Worker's build does with imports of .wasm and .bin files, for modules of the Worker that a program runs in Node. */
registerHooks({
  load(url, context, nextLoad) {
    if (!/\.(?:wasm|bin)$/.test(url)) return nextLoad(url, context);
    const bytes = `readFileSync(${JSON.stringify(fileURLToPath(url))})`;
    const value = url.endsWith(".wasm")
      ? `new WebAssembly.Module(${bytes})`
      : `new Uint8Array(${bytes}).buffer`;
    const source = `import { readFileSync } from "node:fs"; export default ${value};`;
    return { format: "module", shortCircuit: true, source };
  },
});
