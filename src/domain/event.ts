import type { Measure } from "./answer-comparison/comparison.ts";
import type { JsonObject } from "./audit/audit-entry.ts";
import type { CacheTierName } from "./cache.ts";
import type { MissReason } from "./cache-control.ts";
import type { SelectorKind } from "./data-selector.ts";
import type { GenerationEvent } from "./generation-progress.ts";
import type { IsolateEvent } from "./isolate-event.ts";
import type { TaskKind } from "./task-kinds.ts";
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
  /** The keyed hash of the subject that the request named by `x-subject-id`. */
  readonly subject?: string | undefined;
  /** The alias that the request named. */
  readonly alias?: string | undefined;
  /** Who made the request: `key:` and the id of an API key, or another label; absent where nobody was identified. */
  readonly principal?: string | undefined;
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

/** Emitted when objects that nothing needs are removed from storage. */
export interface GarbageEvent {
  readonly event: "gc";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  readonly time: string;
  /** Absent for a scheduled run. */
  readonly requestId?: string;
  /** Objects. */
  readonly removed: number;
  readonly removedBytes: number;
  /** Objects that could not be removed. */
  readonly failed: number;
  /** Versions whose objects were left alone, because storage did not say what they need. */
  readonly skipped: number;
  /** Whether everything was looked at. */
  readonly complete: boolean;
}

/** Emitted when an administrator has changed something, or has tried to. */
export interface AuditEvent {
  readonly event: "audit";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  readonly time: string;
  /** Absent for work that no request has asked for. */
  readonly requestId?: string | undefined;
  /** The id of the operation. */
  readonly operation: string;
  /** The label of the principal, and whom the request names. */
  readonly by: string;
  readonly actor?: string | undefined;
  readonly target?: Readonly<Record<string, string>> | undefined;
  /** Fields of the request's body. */
  readonly request?: JsonObject | undefined;
  /** What has changed, before and after. */
  readonly before?: JsonObject | undefined;
  readonly after?: JsonObject | undefined;
  readonly outcome: "done" | "failed";
  readonly errorCode?: string | undefined;
  /** Distinguishes the change from all others. */
  readonly change: string;
  /** Its last entry in the audit log; absent when there is none, or it could not be written. */
  readonly seq?: number | undefined;
  readonly hash?: string | undefined;
}

/** Emitted once by an isolate whose configuration disables a feature. */
export interface NoticeEvent {
  readonly event: "notice";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  readonly time: string;
  readonly message: string;
}

/** Why a request was not copied to the shadow. */
export const SHADOW_SKIPS = [
  "overloaded", // the isolate, or that of the shadow, had too much to do
  "memory", // the inputs and answers of the copies in flight would take too much
  "drawn", // the answer was drawn at random, and nothing tells how
  "state", // the request goes on with the state of a stream, which is that of its own version
] as const;
export type ShadowSkip = (typeof SHADOW_SKIPS)[number];

/** Emitted for each copy of a request to the shadow of its route, after the response. */
export interface ShadowEvent {
  readonly event: "shadow";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  /** When the copy began. */
  readonly time: string;
  /** Of the request that was copied. */
  readonly requestId: string;
  readonly model: string;
  /** `default` for a request that named no alias. */
  readonly alias: string;
  /** The version whose answer the client received. */
  readonly version: string;
  readonly shadowVersion: string;
  /** By which the answers are compared; absent where the model has none. */
  readonly task?: TaskKind | undefined;
  readonly outcome: "same" | "different" | "failed" | "skipped";
  /** Of a copy that was skipped. */
  readonly reason?: ShadowSkip | undefined;
  /** Of a copy that failed. */
  readonly errorCode?: string | undefined;
  /** Of a 5xx, as in the event of a request. */
  readonly errorMessage?: string | undefined;
  /** How the answers were compared, and the result. */
  readonly measure?: Measure | undefined;
  readonly distance?: number | undefined;
  readonly detail?: Readonly<Record<string, number>> | undefined;
  /** Whether the client left in the middle of its stream, so that only the parts until then were compared. */
  readonly isPartial?: boolean | undefined;
  /** Whether the copy waited for the shadow to be loaded. */
  readonly coldStart?: boolean | undefined;
  /** From the request to its last part, and the same of the copy; that of a stream includes what its client waited. */
  readonly primaryMs: number;
  readonly shadowMs?: number | undefined;
  /** Whether either answer was read from the cache. */
  readonly primaryCache?: CacheEvent["outcome"] | undefined;
  readonly shadowCache?: CacheEvent["outcome"] | undefined;
  readonly clock: "isolate";
}

/** What the guard of the service reports. */
export const GUARD_KINDS = [
  "authority_unreachable", // a key was decided on without its authority; once for each key and outage
  "authority_reachable", // the outage has ended
  "flood_guard_unreachable", // the rate limiter of the platform fails, and lets all requests pass; once for each outage
  "guesses_slowed", // a network has shown too many keys that are not valid
  "issuer_unreachable", // the keys of an issuer cannot be read; once in each outage
  "issuer_reachable", // they can be again
] as const;
export type GuardKind = (typeof GUARD_KINDS)[number];

/** Emitted when the guard begins, or ends, to treat clients differently. */
export interface GuardEvent {
  readonly event: "guard";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  readonly time: string;
  readonly kind: GuardKind;
  readonly requestId?: string | undefined;
  /** The label of whom it is about. */
  readonly principal?: string | undefined;
  /** Of a key in an outage: whether its requests go on. */
  readonly isAccepted?: boolean | undefined;
  /** Of an issuer: its URL, and what it answered. */
  readonly issuer?: string | undefined;
  readonly problem?: string | undefined;
  /** Of slowed guesses: the first part of the addresses, which names no single client. */
  readonly network?: string | undefined;
}

/** Emitted when what is kept of a key, a subject or a request is erased, and when a scheduled run erases what was stored late. */
export interface ErasureEvent {
  readonly event: "erasure";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  readonly time: string;
  /** Absent for a scheduled run, as the fields about what was selected are. */
  readonly requestId?: string | undefined;
  /** Of the erasure, which may take several requests. */
  readonly id?: string | undefined;
  readonly selector?: SelectorKind | undefined;
  /** Objects, entries, events, rows. */
  readonly erased: number;
  /** Whether nothing is left. */
  readonly complete: boolean;
  /** The code of an error that ended it in a store. */
  readonly errorCode?: string | undefined;
}

/** Why a request whose model is captured was not stored. */
export const CAPTURE_SKIPS = [
  "too_large", // over the `maxBytes` of the manifest
  "rate", // the isolate has stored as many as it may in a minute, or at once
  "memory", // requests in flight need the memory
  "erased", // what belongs to its key, subject or id was erased meanwhile
] as const;
export type CaptureSkip = (typeof CAPTURE_SKIPS)[number];

/** Emitted for each request that was chosen to be stored, after the response. */
export interface CaptureEvent {
  readonly event: "capture";
  readonly schemaVersion: typeof EVENT_SCHEMA_VERSION;
  readonly time: string;
  readonly requestId: string;
  readonly model: string;
  readonly version: string;
  readonly outcome: "stored" | "skipped" | "failed";
  /** Of one that was skipped. */
  readonly reason?: CaptureSkip | undefined;
  /** Of one that could not be stored. */
  readonly errorCode?: string | undefined;
  readonly errorMessage?: string | undefined;
  /** Of the JSON, before it is encrypted. */
  readonly bytes?: number | undefined;
}

/** A status, or a class of them. */
export const EVENT_STATUS = /^[1-5](?:xx|[0-9]{2})$/;
/** The id of an operation in the OpenAPI document. */
export const OPERATION_ID = /^[A-Za-z]{1,64}$/;

/** The kinds of events, by `event`. */
export const EVENT_KINDS = [
  "request",
  "purge",
  "notice",
  "shadow",
  "gc",
  "audit",
  "guard",
  "capture",
  "erasure",
] as const satisfies readonly TelemetryEvent["event"][];

export type TelemetryEvent =
  | RequestEvent
  | PurgeEvent
  | NoticeEvent
  | ShadowEvent
  | GarbageEvent
  | AuditEvent
  | GuardEvent
  | CaptureEvent
  | ErasureEvent;
