import {
  createOnnxflare,
  type OnnxflareEntrypoint as Entrypoint,
  type OnnxflareEnv,
} from "./library.ts";

const onnxflare = createOnnxflare();

/** Answers other Workers over RPC: docs/library.md. */
export const OnnxflareEntrypoint = onnxflare.Entrypoint;
export type OnnxflareEntrypoint = Entrypoint<OnnxflareEnv>;

export default { fetch: onnxflare.fetch } satisfies ExportedHandler<OnnxflareEnv>;
