import { WorkerEntrypoint } from "cloudflare:workers";
import type {
  OnnxflareProps,
  Prediction,
  PredictRequest,
  RunRequest,
  RunResult,
  StreamRequest,
} from "./api.ts";
import type { RpcContext } from "./rpc-call.ts";
import type { RpcService } from "./service.ts";

/**
 * What another Worker has as a service binding with this entrypoint. The binding itself is the permission to call: whoever has it may
 * use all models, and no admin operation but those over `fetch`, which need the admin key.
 */
export interface OnnxflareEntrypoint<Env = unknown> extends WorkerEntrypoint<Env, OnnxflareProps> {
  /** The routes over HTTP. */
  fetch(request: Request): Promise<Response>;
  /** Runs a model's task. */
  predict(request: PredictRequest): Promise<Prediction>;
  /** Runs a model once, on tensors. */
  run(request: RunRequest): Promise<RunResult>;
  /**
   * Runs a model's task step by step: server-sent events, as `POST /models/{model}` sends them with `stream`. Cancelling the stream
   * ends the work. `readParts` of `onnxflare/rpc` reads them.
   */
  stream(request: StreamRequest): Promise<ReadableStream<Uint8Array>>;
}

export type OnnxflareEntrypointClass<Env = unknown> = new (
  context: ExecutionContext<OnnxflareProps>,
  env: Env,
) => OnnxflareEntrypoint<Env>;

/** What the class calls, of the services of an `env`. */
export interface EntrypointService {
  fetch(request: Request, context: ExecutionContext): Promise<Response>;
  readonly rpc: RpcService;
}

export function createEntrypoint<Env>(
  serviceOf: (env: Env) => EntrypointService,
): OnnxflareEntrypointClass<Env> {
  return class OnnxflareEntrypoint extends WorkerEntrypoint<Env, OnnxflareProps> {
    get #rpc(): RpcService {
      return serviceOf(this.env).rpc;
    }

    get #context(): RpcContext {
      const { ctx } = this;
      return { waitUntil: (work) => ctx.waitUntil(work), props: ctx.props };
    }

    override fetch(request: Request): Promise<Response> {
      return serviceOf(this.env).fetch(request, this.ctx);
    }

    predict(request: PredictRequest): Promise<Prediction> {
      return this.#rpc.predict(request, this.#context);
    }

    run(request: RunRequest): Promise<RunResult> {
      return this.#rpc.run(request, this.#context);
    }

    stream(request: StreamRequest): Promise<ReadableStream<Uint8Array>> {
      return this.#rpc.stream(request, this.#context);
    }
  };
}
