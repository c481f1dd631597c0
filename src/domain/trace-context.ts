import { toHex } from "../shared/hex.ts";

/**
 * Where a request belongs in a distributed trace: W3C Trace Context (https://www.w3.org/TR/trace-context-2/), whose header
 * `traceparent` names the caller's trace and span, and `tracestate` what tracing systems pass on.
 */
export interface TraceContext {
  /** 32 hexadecimal digits, as all ids in lower case. */
  readonly traceId: string;
  /** Of the request's own span: 16 digits. */
  readonly spanId: string;
  /** The caller's span; absent when the request begins the trace. */
  readonly parentSpanId?: string | undefined;
  /** The flags that are passed on. */
  readonly flags: number;
  /** Valid members of `tracestate`; absent when there are none. */
  readonly state?: string | undefined;
}

/** What the headers of a request say of its trace. */
export interface CallerTrace {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** A `traceparent`, parsed. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

/** The caller records the trace. */
const SAMPLED = 1;
/** The last seven bytes of the trace id are random. */
const RANDOM = 2;
const KNOWN_FLAGS = SAMPLED | RANDOM;

const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
const MAX_TRACEPARENT_LENGTH = 512;

/** `undefined` for a text that is no `traceparent`, by section 3.2 of the specification: then the request begins a new trace. */
export function parseTraceParent(text: string): TraceParent | undefined {
  if (text.length > MAX_TRACEPARENT_LENGTH) return undefined;
  const [, version, traceId, spanId, flags, more] = TRACE_PARENT.exec(text) ?? [];
  if (!version || !traceId || !spanId || !flags) return undefined;
  // Later versions may have more fields, this one has not.
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & KNOWN_FLAGS };
}

const MAX_MEMBERS = 32;
/** What is passed on at least, and here at most, of a `tracestate`. */
const MAX_STATE_LENGTH = 512;
/** Longer members are the first to be left out. */
const LONG_MEMBER_LENGTH = 128;
const KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/;
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MAX_GIVEN_STATE_LENGTH = 16_384;

/**
 * The members of a `tracestate` as they are passed on, by section 3.3: within 512 characters, for which long members and then the
 * last ones are left out. `undefined` for a text that is none, which is dropped as a whole.
 */
export function parseTraceState(text: string): string | undefined {
  if (text.length > MAX_GIVEN_STATE_LENGTH) return undefined;
  const members = text.split(",").map(trimSpaces).filter(isNotEmpty);
  if (members.length === 0 || members.length > MAX_MEMBERS) return undefined;
  const keys = new Set<string>();
  for (const member of members) {
    const equals = member.indexOf("=");
    const key = member.slice(0, equals);
    if (equals < 0 || !KEY.test(key) || !VALUE.test(member.slice(equals + 1))) return undefined;
    if (keys.has(key)) return undefined;
    keys.add(key);
  }
  const short = isTooLong(members)
    ? members.filter(({ length }) => length <= LONG_MEMBER_LENGTH)
    : members;
  while (isTooLong(short)) short.pop();
  return short.length > 0 ? short.join(",") : undefined;
}

function isTooLong(members: readonly string[]): boolean {
  return members.reduce((sum, { length }) => sum + length + 1, -1) > MAX_STATE_LENGTH;
}

/** Optional whitespace of HTTP: spaces and tabs. */
function trimSpaces(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

function isNotEmpty({ length }: string): boolean {
  return length > 0;
}

/**
 * The context of a request: a span of the caller's trace, or of a new one.
 * @param platformTraceId of the trace that the platform makes of the request, which a new trace shares
 */
export function createTraceContext(
  { traceparent, tracestate }: CallerTrace,
  platformTraceId?: string,
): TraceContext {
  const parent = traceparent === undefined ? undefined : parseTraceParent(traceparent);
  if (!parent) {
    if (platformTraceId !== undefined)
      return { traceId: platformTraceId, spanId: randomHex(8), flags: SAMPLED };
    return { traceId: randomHex(16), spanId: randomHex(8), flags: SAMPLED | RANDOM };
  }
  return {
    traceId: parent.traceId,
    spanId: randomHex(8),
    parentSpanId: parent.spanId,
    flags: parent.flags,
    state: tracestate === undefined ? undefined : parseTraceState(tracestate),
  };
}

/** A `traceparent` that names the request's own span. */
export function toTraceParent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}

/** Ids of many requests are drawn at once: a call into the runtime costs more than the bytes. */
const POOL_BYTES = 1536;
let pool = new Uint8Array();
let used = 0;

/** Never zeros alone, which stand for no id. */
function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES));
    used = 0;
  }
  const drawn = pool.subarray(used, used + bytes);
  used += bytes;
  return drawn.every((byte) => byte === 0) ? randomHex(bytes) : toHex(drawn);
}
