import type { WorkerEntrypoint } from "cloudflare:workers";
import type {
  ExplainRequest,
  FeedbackRequest,
  OnnxflareProps,
  PredictRequest,
  RunRequest,
} from "./api.ts";

/**
 * What answers {@link OnnxflareService}. The binding itself is the permission to call: what a Worker may do is in its props, and
 * requests over `fetch` need a key unless the props have scopes. Results have the loose types that those of Workers' RPC understand.
 */
export interface OnnxflareEntrypoint<Env = unknown> extends WorkerEntrypoint<Env, OnnxflareProps> {
  fetch(request: Request): Promise<Response>;
  predict(request: PredictRequest): Promise<object | string | number>;
  explain(request: ExplainRequest): Promise<object>;
  feedback(request: FeedbackRequest): Promise<object>;
  run(request: RunRequest): Promise<object>;
  stream(request: PredictRequest): Promise<ReadableStream<Uint8Array>>;
}

export type OnnxflareEntrypointClass<Env = unknown> = new (
  context: ExecutionContext<OnnxflareProps>,
  env: Env,
) => OnnxflareEntrypoint<Env>;
