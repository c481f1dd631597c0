import type { EntryStore } from "../cache/entry-store.ts";
import { answerKey } from "../cache/key.ts";
import { type EntryLookup, toLookup } from "../cache/lookup.ts";
import type { EntryOrigin } from "../domain/cache.ts";
import { cachePartition } from "../domain/cache-partition.ts";
import type { Call } from "../domain/call.ts";
import { toCanonical } from "../domain/canonical-inputs.ts";
import { entryOrigin } from "../domain/entry-origin.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { TaskRequest, TaskResult } from "../domain/task.ts";
import { settlesBefore } from "../shared/settles-within.ts";
import type { AnswerPlan } from "../tasks/answer-plan.ts";
import { AnswerFlight, type FlightReader } from "./answer-flight.ts";
import { type AnswerParts, joinedParts, ownParts, storedParts, toResult } from "./answer-parts.ts";
import { refuseIfOnlyCached } from "./cache-directives.ts";
import { type AnswerSource, answerOf, generateAnswer } from "./generate-answer.ts";
import { encodeAnswer } from "./stored-answer.ts";

export interface AnswerCachedOptions {
  /** Of the parts of an answer that are kept: for its entry, and for identical requests. */
  readonly maxEntryBytes: number;
  /** How long a request waits for a part of an identical one before it generates the answer itself. */
  readonly maxWaitMs?: number;
  readonly now?: () => number;
}

/** An answer that its request determines, and how it is generated. */
export interface CacheableAnswer {
  readonly model: PublishedModel;
  readonly plan: AnswerPlan;
  execute(request: TaskRequest, call: Call): Promise<TaskResult>;
}

/** Takes an answer from the cache, or generates it. */
export type AnswerCached = (answer: CacheableAnswer, call: Call) => Promise<TaskResult>;

const MAX_WAIT_MS = 30_000;

/** Answers by way of the cache. Identical requests read the answer of the first one while it is generated. */
export function createAnswerCached(
  entries: EntryStore,
  { maxEntryBytes, maxWaitMs = MAX_WAIT_MS, now = Date.now }: AnswerCachedOptions,
): AnswerCached {
  /** By cache key: answers that are read from the remote tiers, or generated. */
  const flights = new Map<string, AnswerFlight>();

  async function toEntryLookup({ model, plan }: CacheableAnswer, call: Call): Promise<EntryLookup> {
    const { cache: policy, trace, waitUntil } = call;
    const { manifest } = model;
    const client = await cachePartition(manifest, call);
    const key = await answerKey(manifest, await toCanonical(plan.identity), client);
    trace.cache.key = key;
    await entries.refreshPurges(trace.cache, waitUntil);
    return toLookup(model, policy, { key, client, useRemoteTiers: true });
  }

  function toSource(
    { plan, execute }: CacheableAnswer,
    lookup: EntryLookup,
    call: Call,
  ): AnswerSource {
    const { cache: policy, trace, waitUntil } = call;
    const { cache: report } = trace;
    let createdAt = 0;
    let origin: EntryOrigin | undefined;
    return {
      find: async () =>
        policy.noCache
          ? undefined
          : trace.measureAsync("cache", () => entries.findRemote(lookup, report, waitUntil)),
      async execute(generating) {
        report.outcome = "miss";
        refuseIfOnlyCached(policy, report);
        // Taken before the first run, so that a purge during the generation applies to the entry.
        createdAt = now();
        origin = await entryOrigin(call);
        return execute(plan.request, generating);
      },
      toParts: plan.toParts,
      toShared: plan.toShared ?? ((part) => part),
      store(answer) {
        const runMs = trace.phasesMs.infer ?? 0;
        const entry = { ...lookup.address, origin, createdAt, runMs, outputs: [] };
        entries.store({ ...entry, answer: encodeAnswer(answer) }, lookup, report, waitUntil);
      },
    };
  }

  /** Generates the answer, for identical requests as well if it is shared. */
  async function generate(
    answer: CacheableAnswer,
    lookup: EntryLookup,
    call: Call,
    isShared: boolean,
  ): Promise<AnswerParts> {
    const { key } = lookup.address;
    const flight = new AnswerFlight(maxEntryBytes);
    const reader = readWhileConnected(flight, call);
    if (isShared) flights.set(key, flight);
    void flight.ended.then(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    await generateAnswer(flight, toSource(answer, lookup, call), call);
    if (flight.found) call.trace.generation = answerOf(flight.found).generation;
    return ownParts(flight, reader);
  }

  /** The parts of the answer to an identical request; `undefined` when they cannot be used. */
  async function join(
    flight: AnswerFlight,
    { plan, execute }: CacheableAnswer,
    lookup: EntryLookup,
    call: Call,
  ): Promise<AnswerParts | undefined> {
    const { cache: report } = call.trace;
    const reader = readWhileConnected(flight, call);
    try {
      const begun = flight.begun.catch(() => undefined);
      const hasBegun = await settlesBefore(begun, maxWaitMs, call.deadline);
      if (!hasBegun || flight.hasFailed) return undefined;
      const { found } = flight;
      if (found)
        return entries.accept(found, lookup, report)
          ? storedParts(answerOf(found), call)
          : undefined;
      report.outcome = "miss";
      report.collapsed = true;
      return joinedParts(flight, readWhileConnected(flight, call), call, {
        maxWaitMs,
        generate: () => execute(plan.request, call),
        toParts: plan.toParts,
        toShared: plan.toShared ?? ((part) => part),
      });
    } finally {
      reader.leave();
    }
  }

  return async (answer, call) => {
    const { plan } = answer;
    const { cache: policy, trace } = call;
    const endLookup = trace.start("cache");
    const lookup = await toEntryLookup(answer, call).finally(endLookup);
    // Without an `await` until the flight is joined or started, so that identical requests cannot both start one.
    const local = policy.noCache ? undefined : entries.findLocal(lookup, trace.cache);
    if (local) return toResult(plan, storedParts(answerOf(local), call), call);
    if (policy.noCache) trace.cache.reason = "no-cache";
    // With one of these directives, the outcome differs from that of identical requests without it.
    const isAlone = policy.noCache || policy.onlyIfCached;
    const running = isAlone ? undefined : flights.get(lookup.address.key);
    const joined = running?.isOpen ? await join(running, answer, lookup, call) : undefined;
    const parts = joined ?? (await generate(answer, lookup, call, !isAlone && !running));
    return toResult(plan, parts, call);
  };
}

/** A reader that leaves with its client. */
function readWhileConnected(flight: AnswerFlight, { signal }: Call): FlightReader {
  const reader = flight.read();
  if (signal.aborted) reader.leave();
  else signal.addEventListener("abort", () => reader.leave(), { once: true });
  return reader;
}
