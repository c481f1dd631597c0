import type { z } from "zod";
import type { alertEventSchema } from "./event/alert.ts";
import type { auditEventSchema } from "./event/audit.ts";
import type { cacheEventSchema } from "./event/cache.ts";
import type { canaryEventSchema } from "./event/canary.ts";
import type { captureEventSchema } from "./event/capture.ts";
import type { erasureEventSchema } from "./event/erasure.ts";
import type { explanationEventSchema } from "./event/explanation.ts";
import type { garbageEventSchema } from "./event/garbage.ts";
import type { guardEventSchema } from "./event/guard.ts";
import type { inputStatisticsSchema } from "./event/input-statistics.ts";
import type { invocationEventSchema, platformSchema } from "./event/invocation.ts";
import type { noticeEventSchema } from "./event/notice.ts";
import type { outputStatisticsSchema } from "./event/output-statistics.ts";
import type { purgeEventSchema } from "./event/purge.ts";
import type { requestEventSchema, samplingSchema } from "./event/request.ts";
import type { shadowEventSchema } from "./event/shadow.ts";

/**
 * The types of events, as `event/` defines them with the meaning of each field: the form that every sink (console, collector,
 * Tail Worker, metrics) shares. The definitions are imported as types alone: what makes events does not parse them.
 * Fields are only ever added; a change of meaning raises {@link EVENT_SCHEMA_VERSION}.
 */
export const EVENT_SCHEMA_VERSION = 3;

/** The kind of an operation, on which statistics and admission depend. */
export const OPERATION_KINDS = [
  "inference", // runs a model
  "explanation", // explains what a model answers, by running it many times
  "metadata", // describes models, versions and the server
  "health", // liveness and readiness
  "admin", // changes or inspects the service
  "documentation", // OpenAPI and its page
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** Whether the clock of the isolate advanced during work of the CPU, as it does not on Cloudflare's network. */
export const CLOCKS = ["advancing", "frozen"] as const;
export type ClockKind = (typeof CLOCKS)[number];

/** Why an event is written. */
export const SAMPLING_REASONS = [
  "rate", // drawn at random
  "error",
  "cold_start",
  "slow",
] as const;
export type SamplingReason = (typeof SAMPLING_REASONS)[number];

/** Why a request was not copied to the shadow. */
export const SHADOW_SKIPS = [
  "overloaded", // the isolate, or that of the shadow, had too much to do
  "memory", // the inputs and answers of the copies in flight would take too much
  "drawn", // the answer was drawn at random, and nothing tells how
  "state", // the request goes on with the state of a stream, which is that of its own version
] as const;
export type ShadowSkip = (typeof SHADOW_SKIPS)[number];

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

/** Why a request whose model is captured was not stored. */
export const CAPTURE_SKIPS = [
  "too_large", // over the `maxBytes` of the manifest
  "rate", // the isolate has stored as many as it may in a minute, or at once
  "memory", // requests in flight need the memory
  "erased", // what belongs to its key, subject or id was erased meanwhile
] as const;
export type CaptureSkip = (typeof CAPTURE_SKIPS)[number];

/** What an invocation of a Worker answered. */
export const INVOCATION_TRIGGERS = [
  "fetch",
  "rpc",
  "scheduled",
  "alarm",
  "queue",
  "other",
] as const;
export type InvocationTrigger = (typeof INVOCATION_TRIGGERS)[number];

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
  "invocation",
  "canary",
  "alert",
] as const satisfies readonly TelemetryEvent["event"][];

/** One for each request. */
export type RequestEvent = z.output<typeof requestEventSchema>;
export type ExplanationEvent = z.output<typeof explanationEventSchema>;
export type CacheEvent = z.output<typeof cacheEventSchema>;
/** Of one input or column, without its values. */
export type InputStatistics = z.output<typeof inputStatisticsSchema>;
export type OutputStatistics = z.output<typeof outputStatisticsSchema>;
export type OutputRow = NonNullable<OutputStatistics["rows"]>[number];
export type EventSampling = z.output<typeof samplingSchema>;
/** Emitted when cache entries are purged. */
export type PurgeEvent = z.output<typeof purgeEventSchema>;
/** Emitted once by an isolate whose configuration disables a feature. */
export type NoticeEvent = z.output<typeof noticeEventSchema>;
/** Emitted for each copy of a request to the shadow of its route, after the response. */
export type ShadowEvent = z.output<typeof shadowEventSchema>;
/** Emitted when objects that nothing needs are removed from storage. */
export type GarbageEvent = z.output<typeof garbageEventSchema>;
/** Emitted when an administrator has changed something, or has tried to. */
export type AuditEvent = z.output<typeof auditEventSchema>;
/** Emitted when the guard begins, or ends, to treat clients differently. */
export type GuardEvent = z.output<typeof guardEventSchema>;
/** Emitted for each request that was chosen to be stored, after the response. */
export type CaptureEvent = z.output<typeof captureEventSchema>;
/** Emitted when what is kept of a key, a subject or a request is erased, and when a scheduled run erases what was stored late. */
export type ErasureEvent = z.output<typeof erasureEventSchema>;
/** Emitted once for a canary that is worse than the version that it may replace. */
export type CanaryEvent = z.output<typeof canaryEventSchema>;
/** Emitted when an alert fires, and when it is resolved. */
export type AlertEvent = z.output<typeof alertEventSchema>;

/** Made by the Tail Worker, for each invocation of the Worker. */
export type InvocationEvent = z.output<typeof invocationEventSchema>;
/** What the Tail Worker adds to the event of a request. */
export type PlatformReport = z.output<typeof platformSchema>;

export type TelemetryEvent =
  | RequestEvent
  | PurgeEvent
  | NoticeEvent
  | ShadowEvent
  | GarbageEvent
  | AuditEvent
  | GuardEvent
  | CaptureEvent
  | ErasureEvent
  | InvocationEvent
  | CanaryEvent
  | AlertEvent;
