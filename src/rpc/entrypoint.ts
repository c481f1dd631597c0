import { WorkerEntrypoint } from "cloudflare:workers";
import type { Principal } from "../domain/access/principal.ts";
import type {
  ExplainRequest,
  FeedbackRequest,
  OnnxflareProps,
  PredictRequest,
  RunRequest,
  RunResult,
} from "./api.ts";
import type { OnnxflareEntrypointClass } from "./entrypoint-class.ts";
import { readWorker } from "./read-principal.ts";
import type { RpcContext } from "./rpc-call.ts";
import type { RpcService } from "./service.ts";

/** What the class calls, of the services of an `env`. */
export interface EntrypointService {
  fetch(request: Request, context: ExecutionContext): Promise<Response>;
  readonly rpc: RpcService;
}

/**
 * The context of a request over the binding. Where the binding says what the Worker may do, requests without `Authorization` may do it.
 */
export function toWorkerContext(context: ExecutionContext): ExecutionContext {
  const { principal, hasScopes } = readWorker(context.props);
  if (!hasScopes) return context;
  const own: Pick<ExecutionContext, "waitUntil"> & { readonly callingWorker: Principal } = {
    waitUntil: (work) => context.waitUntil(work),
    callingWorker: principal,
  };
  return own as unknown as ExecutionContext;
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

    predict(request: PredictRequest): Promise<object | string | number> {
      return this.#rpc.predict(request, this.#context);
    }

    explain(request: ExplainRequest): Promise<object> {
      return this.#rpc.explain(request, this.#context);
    }

    feedback(request: FeedbackRequest): Promise<object> {
      return this.#rpc.feedback(request, this.#context);
    }

    run(request: RunRequest): Promise<RunResult> {
      return this.#rpc.run(request, this.#context);
    }

    stream(request: PredictRequest): Promise<ReadableStream<Uint8Array>> {
      return this.#rpc.stream(request, this.#context);
    }
  };
}
