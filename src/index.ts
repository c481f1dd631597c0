import { createOnnxflare } from "./library.ts";

const { fetch, Entrypoint } = createOnnxflare<Env>();

/** Answers other Workers over RPC: docs/library.md. */
export const OnnxflareEntrypoint = Entrypoint;

export default { fetch } satisfies ExportedHandler<Env>;
