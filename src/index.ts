import {
  createOnnxflare,
  type OnnxflareEntrypoint as Entrypoint,
  type OnnxflareEnv,
} from "./library.ts";

/** The Durable Objects of the bindings `KEYS` (docs/keys.md) and `METRICS` (docs/monitoring.md). */
export { KeyAuthority, MetricsCollector } from "./library.ts";

const onnxflare = createOnnxflare();

/** Answers other Workers over RPC: docs/library.md. */
export const OnnxflareEntrypoint = onnxflare.Entrypoint;
export type OnnxflareEntrypoint = Entrypoint<OnnxflareEnv>;

const { fetch, scheduled } = onnxflare;

export default { fetch, scheduled } satisfies ExportedHandler<OnnxflareEnv>;
