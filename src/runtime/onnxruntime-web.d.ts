// The package exports these two files but ships no types for them.

declare module "onnxruntime-web/ort-wasm-simd-threaded.mjs" {
  import type { OrtModule } from "./ort-module.ts";

  interface FactoryOptions {
    numThreads: number;
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ): WebAssembly.Exports;
  }
  export default function factory(options: FactoryOptions): Promise<OrtModule>;
}

declare module "onnxruntime-web/ort-wasm-simd-threaded.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
