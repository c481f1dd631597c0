import type { CacheTierName } from "./cache.ts";
import type { MissReason } from "./cache-control.ts";
import type { GenerationEvent } from "./generation-progress.ts";
import type { IsolateEvent } from "./isolate-event.ts";
import type { Phase } from "./trace.ts";

/**
 * One event for each request: the form that every sink (console, Tail Worker, metrics) shares.
 * Fields are only ever added; a change of meaning raises {@link EVENT_SCHEMA_VERSION}.
 */
export const EVENT_SCHEMA_VERSION = 2;

/** The kind of an operation, on which statistics and admission depend. */
export const OPERATION_KINDS = [
  "inference", // runs a model
  "metadata", // describes models, versions and the server
  "health", // liveness and readiness
  "admin", // changes or inspects the service
  "documentation", // OpenAPI and its page
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export interface RequestEvent {
  readonly event: "request";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  /** Start of the request, ISO 8601. */
  readonly time: string;
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, never the path: paths are unbounded. `unmatched` when there is none. */
  readonly route: string;
  /** The operation's id in the OpenAPI document, and its kind; absent when no operation matched. */
  readonly operation?: string | undefined;
  readonly operationKind?: OperationKind | undefined;
  readonly status: number;
  /** Present when the response is an error. */
  readonly errorCode?: string | undefined;
  /** The message sent to the client; present for a 5xx only, because that of a 4xx quotes the input. */
  readonly errorMessage?: string | undefined;
  /** The cause of a 5xx, never sent to the client. */
  readonly errorCause?: string | undefined;
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** The alias that the request named. */
  readonly alias?: string | undefined;
  /** SHA-256 of the model that ran. */
  readonly digest?: string | undefined;
  /** Whether the request waited for the model to be loaded; absent when no model ran. */
  readonly coldStart?: boolean | undefined;
  /** The isolate in which the model ran; absent when that is the one that handled the request. */
  readonly isolate?: IsolateEvent | undefined;
  /** What was generated; absent when no tokens are. */
  readonly generation?: GenerationEvent | undefined;
  /** How the cache was used; absent if the operation does not use it. */
  readonly cache?: CacheEvent | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly totalMs: number;
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
  /**
   * Where the durations come from. Clocks of an isolate stand still during pure CPU work on
   * Cloudflare's network, so `isolate` durations of CPU phases are accurate only in local runs.
   */
  readonly clock: "isolate";
}

export interface CacheEvent {
  readonly outcome: "hit" | "miss" | "bypass";
  /** The tier of a hit. */
  readonly tier?: CacheTierName | undefined;
  /** The reason of a miss or bypass. */
  readonly reason?: MissReason | undefined;
  /** The beginning of the key, to find the entry by; it reveals nothing about the input. */
  readonly key?: string | undefined;
  readonly stored: boolean;
  readonly collapsed: boolean;
  /** Size of the cache entry. */
  readonly bytes?: number | undefined;
  readonly ageSeconds?: number | undefined;
  /** The duration of the run that the hit saved. */
  readonly savedMs?: number | undefined;
  readonly failures?:
    | readonly { readonly tier: CacheTierName; readonly problem: string }[]
    | undefined;
}

/** Emitted when cache entries are purged. */
export interface PurgeEvent {
  readonly event: "purge";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  readonly time: string;
  readonly requestId: string;
  /** The scope of the purge; all entries when none of these is present. */
  readonly model?: string;
  readonly version?: string;
  readonly client?: string;
  readonly dropped: { readonly isolate: number; readonly kv: number };
  /** Whether all entries in scope were removed from KV; the others are not used, and expire by their ttl. */
  readonly complete: boolean;
}

/** Emitted once by an isolate whose configuration disables a feature. */
export interface NoticeEvent {
  readonly event: "notice";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  readonly time: string;
  readonly message: string;
}

export type TelemetryEvent = RequestEvent | PurgeEvent | NoticeEvent;
