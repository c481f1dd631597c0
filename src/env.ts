import type { SettingName } from "./config.ts";

/** The settings of docs/configuration.md, which a Worker has as `[vars]` and secrets. */
export type OnnxflareSettings = { readonly [Name in SettingName]?: string | number | undefined };

/** What the service uses of a `DurableObjectNamespace`, whatever the types of a Worker say of its class. */
export interface KeyAuthorityNamespace {
  getByName(name: string): unknown;
}

/** What the service uses of a `DurableObjectNamespace`, whatever the types of a Worker say of its class. */
export interface MetricsNamespace {
  getByName(name: string): unknown;
}

/** What the service uses of a Worker's `env`. */
export interface OnnxflareEnv extends OnnxflareSettings {
  /** The bucket of the models. */
  readonly MODELS: R2Bucket;
  /** Cached predictions, and purges; without it each isolate has its own alone. */
  readonly CACHE?: KVNamespace | undefined;
  /** The authority of API keys, the Durable Object `KeyAuthority`; without it there are none. */
  readonly KEYS?: KeyAuthorityNamespace | undefined;
  /** What is collected of requests, the Durable Object `MetricsCollector`; without it each isolate has its own alone. */
  readonly METRICS?: MetricsNamespace | undefined;
  /** Limits the requests of an address before anything is done for them; without it nothing does. */
  readonly RATE_LIMITER?: RateLimit | undefined;
  /** Gets a row for each request that is written: `docs/events.md`. */
  readonly ANALYTICS?: AnalyticsEngineDataset | undefined;
  /** Starts isolates of large models; without it all models share the Worker's own. */
  readonly LOADER?: WorkerLoader | undefined;
  /** The static assets, which have the dashboard; without it there is none. */
  readonly ASSETS?: Pick<Fetcher, "fetch"> | undefined;
}

/** What the Tail Worker uses of its `env`. The settings are those of the Worker, of which it reads those of docs/tail.md. */
export interface TailEnv extends OnnxflareSettings {
  /** The Durable Object of the Worker, by its `script_name`; without it nothing is collected. */
  readonly METRICS?: MetricsNamespace | undefined;
}
