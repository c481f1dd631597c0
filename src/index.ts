import {
  createOnnxflare,
  type OnnxflareEntrypoint as Entrypoint,
  type OnnxflareEnv,
} from "./library.ts";

/** The Durable Object of the binding `KEYS`: docs/keys.md. */
export { KeyAuthority } from "./library.ts";

const onnxflare = createOnnxflare();

/** Answers other Workers over RPC: docs/library.md. */
export const OnnxflareEntrypoint = onnxflare.Entrypoint;
export type OnnxflareEntrypoint = Entrypoint<OnnxflareEnv>;

const { fetch, scheduled } = onnxflare;

export default { fetch, scheduled } satisfies ExportedHandler<OnnxflareEnv>;
