import type { SpareAdmission } from "../domain/admission.ts";
import type { Answer } from "../domain/answer-comparison/comparison.ts";
import { compareAnswers } from "../domain/answer-comparison/registry.ts";
import type { BodyReservation, SpareBodyBudget } from "../domain/body-budget.ts";
import { type Call, createCall, yieldToEventLoop } from "../domain/call.ts";
import { Deadline } from "../domain/deadline.ts";
import { toApiError } from "../domain/errors.ts";
import { EVENT_SCHEMA_VERSION, type ShadowEvent, type ShadowSkip } from "../domain/event.ts";
import type { EventSink } from "../domain/ports.ts";
import type { PublishedModel, RoutedModel, ShadowModel } from "../domain/published-model.ts";
import { busyMs, Trace, toMicroseconds } from "../domain/trace.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { retainedBytes } from "./retained-bytes.ts";

/** A request that was answered, to be copied to the shadow of its route. */
export interface ShadowCopy {
  /** That answered the request. */
  readonly model: RoutedModel;
  readonly shadow: ShadowModel;
  readonly answer: Answer;
  readonly primaryMs: number;
  /** Kept in memory until the copy has ended. */
  readonly inputs: unknown;
  /** Why it is not copied, where that is known. */
  readonly skip?: ShadowSkip | undefined;
  readonly isPartial?: boolean | undefined;
  readonly prompt?: string | undefined;
  run(shadow: PublishedModel, call: Call): Promise<Answer>;
}

/** Copies a request when its call has ended. */
export type CopyToShadow = (copy: ShadowCopy, call: Call) => void;

export interface ShadowCopiesOptions {
  readonly admission: Pick<SpareAdmission, "admitSpare">;
  /** For the inputs and answers of the copies in flight. */
  readonly bodies: Pick<SpareBodyBudget, "reserveSpare">;
  readonly sink: EventSink;
  /** What the inputs and the answer of one copy may take. */
  readonly maxBytes: number;
  /** Of a copy. */
  readonly timeoutMs: number;
  readonly now?: () => number;
}

type Outcome = Pick<ShadowEvent, "outcome"> &
  Partial<Omit<ShadowEvent, "event" | "model" | "version" | "shadowVersion" | "alias">>;

/** In one isolate. */
export const MAX_COPIES = 8;
/** The platform ends work that goes on after a response 30 s later. */
export const MAX_TIMEOUT_MS = 25_000;
/** How long after its deadline a copy counts as lost: the platform may end it without a word. */
const LOST_AFTER_MS = 10_000;

/**
 * Runs copies of requests after their responses, in the time that requests leave, and reports how the answers compare. A copy
 * has its own deadline and trace; neither its failure nor its client's leaving affects anything else.
 */
export function createShadowCopies({
  admission,
  bodies,
  sink,
  maxBytes,
  timeoutMs: longestMs,
  now = () => performance.now(),
}: ShadowCopiesOptions): CopyToShadow {
  const timeoutMs = Math.min(longestMs, MAX_TIMEOUT_MS);
  /** When each copy in flight is lost. */
  const inFlight = new Set<{ readonly lostAt: number }>();

  function countInFlight(): number {
    const time = now();
    for (const each of inFlight) if (time > each.lostAt) inFlight.delete(each);
    return inFlight.size;
  }

  /** Runs the copy if there is room for it. */
  async function run(copy: ShadowCopy, call: Call): Promise<Outcome> {
    if (copy.skip) return skipped(copy.skip);
    if (countInFlight() >= MAX_COPIES) return skipped("overloaded");
    const bytes = retainedBytes([copy.inputs, copy.answer], maxBytes);
    const memory = bytes > maxBytes ? undefined : bodies.reserveSpare({ bytes, timeoutMs });
    if (!memory) return skipped("memory");
    const entry = { lostAt: now() + timeoutMs + LOST_AFTER_MS };
    inFlight.add(entry);
    try {
      return await execute(copy, call, memory);
    } finally {
      inFlight.delete(entry);
      memory.release();
    }
  }

  async function execute(copy: ShadowCopy, call: Call, memory: BodyReservation): Promise<Outcome> {
    // Lets the event loop write the response.
    for (let turns = 0; turns < 2; turns++) await yieldToEventLoop();
    const { model, shadow } = copy;
    const permit = admission.admitSpare({ model: shadow.name, bodyBytes: call.trace.bytesIn });
    if (!permit) return skipped("overloaded");
    const trace = new Trace();
    trace.context = call.trace.context;
    const ending = new AbortController();
    const copied = createCall({
      id: call.id,
      principal: call.principal,
      subject: call.subject,
      cache: { ...call.cache, onlyIfCached: false },
      waitUntil: call.waitUntil,
      deadline: new Deadline({ timeoutMs }),
      signal: ending.signal,
      trace,
      yieldSlice: (client) => permit.yield(busyMs(trace), client),
    });
    let isEvicted = false;
    const evicted = new Promise<void>((resolve) => {
      memory.onEvicted(() => {
        isEvicted = true;
        resolve();
      });
    });
    let begunAt: number | undefined;
    const begin = async (): Promise<Answer> => {
      await permit.acquire(copied);
      begunAt = now();
      return copy.run(shadow, copied);
    };
    const report = () => ({
      coldStart: trace.coldStart,
      shadowCache: trace.cache.outcome,
      shadowMs: begunAt === undefined ? undefined : toMicroseconds(now() - begunAt),
    });
    try {
      const running = begin();
      const hasEnded = await settlesWithin(Promise.race([running, evicted]), timeoutMs);
      if (isEvicted || !hasEnded) ending.abort();
      if (isEvicted) return skipped("memory");
      if (!hasEnded) {
        if (begunAt === undefined) return skipped("overloaded");
        return { outcome: "failed", errorCode: "deadline_exceeded", ...report() };
      }
      const answer = await running;
      const measured = report();
      const { prompt } = copy;
      const comparison = compareAnswers(model.manifest.task, copy.answer, answer, { prompt });
      const { same, measure, distance, detail } = comparison;
      const outcome = same ? "same" : "different";
      return { outcome, measure, distance, detail, ...measured };
    } catch (error) {
      const { code, message, kind } = toApiError(error);
      if (code === "overloaded") return skipped("overloaded");
      const errorMessage = kind.status >= 500 ? message : undefined;
      return { outcome: "failed", errorCode: code, errorMessage, ...report() };
    } finally {
      permit.release(serviceMs(trace));
    }
  }

  async function report(copy: ShadowCopy, call: Call): Promise<void> {
    const { model, shadow, isPartial, primaryMs } = copy;
    const event = {
      event: "shadow",
      schemaVersion: EVENT_SCHEMA_VERSION,
      time: new Date().toISOString(),
      requestId: call.id,
      model: model.name,
      alias: model.alias ?? "default",
      version: model.version,
      shadowVersion: shadow.version,
      task: model.manifest.task,
    } as const;
    const outcome = await run(copy, call);
    sink.emit({
      ...event,
      ...outcome,
      isPartial: isPartial || undefined,
      primaryMs: toMicroseconds(primaryMs),
      primaryCache: call.trace.cache.outcome,
      clock: "advancing",
    });
  }

  return (copy, call) => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    call.waitUntil(ended.then(() => report(copy, call)).catch(() => undefined));
    call.onEnd(resolve);
  };
}

function skipped(reason: ShadowSkip): Outcome {
  return { outcome: "skipped", reason };
}

/** As of requests: a sample for others only where the model was loaded and ran once. */
function serviceMs(trace: Trace): number | undefined {
  const { coldStart, phasesMs, generation } = trace;
  if (generation || coldStart !== false || phasesMs.infer === undefined) return undefined;
  return busyMs(trace);
}
