// What the bundler makes of a .wasm import: a WebAssembly.Module that was compiled at upload.
declare module "*.wasm" {
  const module: object;
  // biome-ignore lint/style/noDefaultExport: the bundler exports it so.
  export default module;
}
