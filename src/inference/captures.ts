import type { BodyReservation, SpareBodyBudget } from "../domain/body-budget.ts";
import type { OwnedData } from "../domain/cache.ts";
import type { Call } from "../domain/call.ts";
import type { CaptureSettings, CaptureStore } from "../domain/capture.ts";
import { toApiError } from "../domain/errors.ts";
import { type CaptureEvent, EVENT_SCHEMA_VERSION } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { requestHash } from "../domain/request-hash.ts";
import { toCapturedJson } from "./captured-json.ts";
import { retainedBytes } from "./retained-bytes.ts";

/** An answered request. */
export interface Capture {
  readonly model: PublishedModel;
  readonly settings: CaptureSettings;
  readonly inputs: unknown;
  readonly outputs: unknown;
  /** Whether the client left before the last part of the answer. */
  readonly isPartial?: boolean | undefined;
}

/** Stores a request when its call has ended. */
export type StoreCapture = (capture: Capture, call: Call) => void;

export interface CapturesOptions {
  readonly store: CaptureStore;
  /** Whether data must not be stored any more, because it was erased since it was there. */
  readonly isErased: (data: OwnedData) => boolean;
  readonly bodies: Pick<SpareBodyBudget, "reserveSpare">;
  readonly sink: EventSink;
  readonly now?: () => number;
}

type Outcome = Pick<CaptureEvent, "outcome" | "reason" | "errorCode" | "errorMessage" | "bytes">;

/** In one isolate, at the same time and within a minute. */
export const MAX_CAPTURES_AT_ONCE = 8;
export const MAX_CAPTURES_PER_MINUTE = 300;
/** What the inputs and the answer of one may keep in memory until it is stored. */
const MAX_RETAINED_BYTES = 8_388_608;
/** The platform ends work that goes on after a response 30 s later. */
const TIMEOUT_MS = 25_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const ENCODER = new TextEncoder();

/** Stores requests after their responses, as far as memory and rate allow it. No failure of it affects a response. */
export function createCaptures({
  store,
  isErased,
  bodies,
  sink,
  now = Date.now,
}: CapturesOptions): StoreCapture {
  let atOnce = 0;
  let minuteBegan = Number.NEGATIVE_INFINITY;
  let inMinute = 0;

  function mayBegin(): boolean {
    if (now() - minuteBegan >= MINUTE_MS) {
      minuteBegan = now();
      inMinute = 0;
    }
    if (atOnce >= MAX_CAPTURES_AT_ONCE || inMinute >= MAX_CAPTURES_PER_MINUTE) return false;
    inMinute += 1;
    return true;
  }

  async function write(capture: Capture, call: Call, capturedAt: number): Promise<Outcome> {
    const { settings, model } = capture;
    const { name, version } = model;
    const { subject } = call;
    const [principal, request] = await Promise.all([call.principal.id(), requestHash(call.id)]);
    const data: OwnedData = { principal, subject, request, createdAt: capturedAt };
    if (isErased(data)) return { outcome: "skipped", reason: "erased" };
    const expiresAt = capturedAt + settings.retentionDays * DAY_MS;
    const text = toCapturedJson(capture, { call, principal, capturedAt, expiresAt });
    const json = ENCODER.encode(text);
    const bytes = json.byteLength;
    if (bytes > settings.maxBytes) return { outcome: "skipped", reason: "too_large", bytes };
    const address = { name, version, principal, subject, request, expiresAt };
    const key = await store.put(address, json);
    if (!isErased(data)) return { outcome: "stored", bytes };
    // The erasure may have listed what is stored before this was.
    await store.delete([key]);
    return { outcome: "skipped", reason: "erased" };
  }

  async function writeOnce(
    capture: Capture,
    call: Call,
    capturedAt: number,
    memory: BodyReservation,
  ): Promise<Outcome> {
    atOnce += 1;
    try {
      return await write(capture, call, capturedAt);
    } catch (error) {
      const { code, message } = toApiError(error);
      return { outcome: "failed", errorCode: code, errorMessage: message };
    } finally {
      atOnce -= 1;
      memory.release();
    }
  }

  return (capture, call) => {
    const capturedAt = now();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    call.onEnd(resolve);
    const report = (outcome: Outcome): void =>
      sink.emit({
        event: "capture",
        schemaVersion: EVENT_SCHEMA_VERSION,
        time: new Date(capturedAt).toISOString(),
        requestId: call.id,
        model: capture.model.name,
        version: capture.model.version,
        ...outcome,
      });
    const kept = withoutUnwanted(capture);
    const bytes = retainedBytes([kept.inputs, kept.outputs], MAX_RETAINED_BYTES);
    if (bytes > MAX_RETAINED_BYTES) return report({ outcome: "skipped", reason: "too_large" });
    if (!mayBegin()) return report({ outcome: "skipped", reason: "rate" });
    const memory = bodies.reserveSpare({ bytes, timeoutMs: TIMEOUT_MS });
    if (!memory) return report({ outcome: "skipped", reason: "memory" });
    const writing = ended.then(() => writeOnce(kept, call, capturedAt, memory)).then(report);
    call.waitUntil(writing.catch(() => undefined));
  };
}

/** Nothing is held that is not stored. */
function withoutUnwanted(capture: Capture): Capture {
  const { inputs, outputs } = capture.settings;
  return {
    ...capture,
    inputs: inputs ? capture.inputs : undefined,
    outputs: outputs ? capture.outputs : undefined,
  };
}
