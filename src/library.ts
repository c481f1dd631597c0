import { createApp } from "./app.ts";
import { createMetricsEnvironment } from "./deps/metrics-environment.ts";
import { createServices } from "./deps.ts";
import type { TelemetryEvent } from "./domain/event.ts";
import type { EventSink } from "./domain/event-sink.ts";
import { KeyAuthority } from "./durable-objects/key-authority.ts";
import { MetricsCollector } from "./durable-objects/metrics-collector.ts";
import type { OnnxflareEnv, OnnxflareSettings } from "./env.ts";
import { parsePrefix } from "./protocols/prefix.ts";
import { createEntrypoint, toWorkerContext } from "./rpc/entrypoint.ts";
import type { OnnxflareEntrypointClass } from "./rpc/entrypoint-class.ts";
import { createRpcService, type RpcService } from "./rpc/service.ts";
import { createCallbackSink } from "./telemetry/sinks/callback-sink.ts";
import type { OwnSink } from "./telemetry/sinks/sink-definition.ts";

export type * from "./domain/event.ts";
export type * from "./rpc/api.ts";
export type { OnnxflareEntrypoint, OnnxflareEntrypointClass } from "./rpc/entrypoint-class.ts";
export type { EventSink, OnnxflareEnv, OnnxflareSettings };
/** The Durable Objects of the bindings `KEYS` and `METRICS`, which the entry of a Worker exports as well. */
export { KeyAuthority, MetricsCollector };

export interface OnnxflareOptions<Env = OnnxflareEnv> {
  /**
   * The path under which the Worker has the service, such as `/ai`; the root by default. Requests may have it in their paths or
   * not; links, such as those of the documentation, begin with it.
   */
  readonly prefix?: string;
  /**
   * Chooses the bindings and settings of the Worker's `env` that are for the service, where they have other names. By default it is
   * `env` itself.
   */
  readonly env?: (env: Env) => OnnxflareEnv;
  /** Settings that take precedence over those of `env`. */
  readonly settings?: OnnxflareSettings;
  /**
   * Receives the events that are written, as the console does. It delays and fails no request; a promise that it returns keeps the
   * Worker alive until it is settled.
   */
  readonly onEvent?: (event: TelemetryEvent) => void | Promise<void>;
  /** Sinks of your own, which receive the same events. What they throw fails no request, and is counted. */
  readonly sinks?: readonly EventSink[];
}

/** What the service uses of an `ExecutionContext`. */
export type RequestContext = Pick<ExecutionContext, "waitUntil">;

/** The service in a Worker. */
export interface Onnxflare<Env = OnnxflareEnv> {
  /** Handles a request. It needs no `this`. */
  readonly fetch: (request: Request, env: Env, context?: RequestContext) => Promise<Response>;
  /** Handles a Cron Trigger: removes objects that nothing needs from storage, once a day. It needs no `this`. */
  readonly scheduled: (
    controller: Pick<ScheduledController, "scheduledTime">,
    env: Env,
  ) => Promise<void>;
  /** The class that answers other Workers over RPC: `export const OnnxflareEntrypoint = onnxflare.Entrypoint`. */
  readonly Entrypoint: OnnxflareEntrypointClass<Env>;
}

/** What there is once for an isolate. */
interface Running {
  readonly app: ReturnType<typeof createApp>;
  readonly rpc: RpcService;
  readonly sweep: (at: number) => Promise<void>;
}

/** For requests that somebody else keeps alive, as tests do. */
const DETACHED: RequestContext = {
  waitUntil: (work) => void work.catch(() => undefined),
};

/**
 * The service, for a Worker of your own: `app.mount("/ai", onnxflare.fetch)`. Call it once, outside of handlers: the services, with the
 * models in memory, are created for each isolate with its first request.
 * @throws Error for a prefix that is no path, or with which a path of the service may begin itself
 */
export function createOnnxflare<Env = OnnxflareEnv>({
  prefix: givenPrefix = "",
  env: select = (env) => env as unknown as OnnxflareEnv,
  settings = {},
  sinks = [],
  onEvent,
}: OnnxflareOptions<Env> = {}): Onnxflare<Env> {
  const prefix = parsePrefix(givenPrefix);
  const ownSinks = toOwnSinks(sinks, onEvent);
  let running: Running | undefined;

  const bindingsOf = (env: Env): OnnxflareEnv => ({ ...select(env), ...settings });
  MetricsCollector.environmentOf = (env) => createMetricsEnvironment(bindingsOf(env as Env));

  /** Bindings never change within an isolate. */
  function start(env: Env): Running {
    const bindings = bindingsOf(env);
    const services = createServices(bindings, { prefix, ownSinks });
    return {
      app: createApp(services),
      rpc: createRpcService(services),
      sweep: services.sweep,
    };
  }

  const fetch: Onnxflare<Env>["fetch"] = async (request, env, context = DETACHED) => {
    running ??= start(env);
    // The service uses nothing else of the context.
    return running.app.fetch(request, env as object, context as ExecutionContext);
  };

  return {
    fetch,
    async scheduled({ scheduledTime }, env) {
      running ??= start(env);
      await running.sweep(scheduledTime);
    },
    Entrypoint: createEntrypoint((env: Env) => {
      running ??= start(env);
      const { rpc, app } = running;
      return {
        rpc,
        fetch: async (request, context) =>
          app.fetch(request, env as object, toWorkerContext(context)),
      };
    }),
  };
}

function toOwnSinks(
  sinks: readonly EventSink[],
  onEvent: OnnxflareOptions["onEvent"],
): readonly OwnSink[] {
  const own: OwnSink[] = sinks.map((sink) => () => sink);
  if (onEvent) own.push((onLost) => createCallbackSink(onEvent, onLost));
  return own;
}
