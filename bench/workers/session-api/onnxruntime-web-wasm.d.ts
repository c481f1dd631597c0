// The bundler turns a .wasm import into a WebAssembly.Module that is compiled at upload.
declare module "*.wasm" {
  const module: object;
  // biome-ignore lint/style/noDefaultExport: the bundler exports it so.
  export default module;
}
