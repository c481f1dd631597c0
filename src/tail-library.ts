import { createTailServices } from "./deps/tail.ts";
import type { TelemetryEvent } from "./domain/event.ts";
import type { OnnxflareSettings, TailEnv } from "./env.ts";
import type { TracedInvocation } from "./telemetry/tail/trace-item.ts";

export type * from "./domain/event.ts";
export type { OnnxflareSettings, TailEnv };

export interface TailOptions<Env = TailEnv> {
  /** Chooses the binding and the settings of the Worker's `env` that are for the Tail Worker. By default it is `env` itself. */
  readonly env?: (env: Env) => TailEnv;
  /** Settings that take precedence over those of `env`. */
  readonly settings?: OnnxflareSettings;
  /**
   * Receives each event of the Worker, those of requests with `platform`, and each invocation that was lost. Its failure fails nothing; a
   * promise that it returns keeps the Worker alive until it is settled.
   */
  readonly onEvent?: (event: TelemetryEvent) => void | Promise<void>;
}

/** A Tail Worker. */
export interface Tail<Env = TailEnv> {
  /** Handles what the platform reports of invocations. It needs no `this`, and never throws for what is in them. */
  readonly tail: (items: readonly TracedInvocation[], env: Env) => void;
}

/** The Tail Worker of the service, for a Worker of your own: `export default createTail({ onEvent })`. Call it once, outside of handlers. */
export function createTail<Env = TailEnv>({
  env: select = (env) => env as unknown as TailEnv,
  settings = {},
  onEvent,
}: TailOptions<Env> = {}): Tail<Env> {
  let handle: ReturnType<typeof createTailServices> | undefined;
  return {
    tail(items, env) {
      handle ??= createTailServices({ ...select(env), ...settings }, { onEvent });
      handle(items);
    },
  };
}
