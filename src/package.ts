/** The package `onnxflare`: docs/library.md. */
export { OnnxflareEntrypoint } from "./index.ts";
export * from "./library.ts";
