// Modules that a Worker's build makes of imported files, by wrangler's default module rules.

declare module "*.bin" {
  const bytes: ArrayBuffer;
  export default bytes;
}

declare module "*/quantized-matmul.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
