// The packages ship these files but no types for their modules.

declare module "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "@jsquash/webp/codec/dec/webp_dec.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "@jsquash/jpeg/codec/dec/mozjpeg_dec.js" {
  import type { EmscriptenFactory } from "./emscripten-codec.ts";

  const factory: EmscriptenFactory;
  export default factory;
}

declare module "@jsquash/webp/codec/dec/webp_dec.js" {
  import type { EmscriptenFactory } from "./emscripten-codec.ts";

  const factory: EmscriptenFactory;
  export default factory;
}
