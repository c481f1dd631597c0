import { type Call, throwIfAborted } from "../domain/call.ts";
import { NOTHING_GENERATED } from "../domain/generation-progress.ts";
import type { TaskPart, TaskResult, TaskValue } from "../domain/task.ts";
import { settlesBefore } from "../shared/settles-within.ts";
import type { AnswerPlan } from "../tasks/answer-plan.ts";
import type { AnswerFlight, FlightReader } from "./answer-flight.ts";
import type { StoredAnswer } from "./stored-answer.ts";

/** The parts of an answer, as they are stored. */
export type AnswerParts = AsyncIterableIterator<TaskPart, undefined>;

/** The result in the form that was requested. */
export async function toResult(
  plan: AnswerPlan,
  parts: AnswerParts,
  { trace }: Call,
): Promise<TaskResult> {
  if (plan.request.stream) return { kind: "stream", parts: mapParts(parts, plan.toPart) };
  const all = await Array.fromAsync(parts);
  const { generation } = trace;
  const usage = generation && {
    inputTokens: generation.inputTokens,
    cachedTokens: generation.cachedTokens,
    outputTokens: generation.outputTokens,
  };
  return { kind: "value", value: plan.toValue(all), form: plan.form, usage };
}

/** The parts of an entry. */
export function storedParts({ parts, generation }: StoredAnswer, call: Call): AnswerParts {
  let at = 0;
  call.trace.generation = generation;
  return createParts(async () => {
    await call.checkpoint();
    return at < parts.length ? { done: false, value: parts[at++] } : END;
  });
}

/** The parts of a flight for the request that generates it. */
export function ownParts(flight: AnswerFlight, reader: FlightReader): AnswerParts {
  return createParts(
    async () => {
      for (;;) {
        const { changed } = flight;
        const part = reader.take();
        if (part) return part;
        await changed;
      }
    },
    async () => {
      reader.leave();
      // The work ends within the request that it belongs to.
      if (flight.isAbandoned) await flight.ended;
    },
  );
}

export interface JoinOptions {
  /** How long another request's part is waited for. */
  readonly maxWaitMs: number;
  /** Generates the answer when the other request fails to: the parts that were read have been sent. */
  generate(): Promise<TaskResult>;
  toParts(result: TaskValue): readonly TaskPart[];
  /** A part as other requests get it. */
  toShared(part: TaskPart): TaskPart;
}

/** The parts of a flight for a request that has joined it. */
export function joinedParts(
  flight: AnswerFlight,
  reader: FlightReader,
  call: Call,
  { maxWaitMs, generate, toParts, toShared }: JoinOptions,
): AnswerParts {
  const { trace, deadline } = call;
  let count = 0;
  let own: AsyncIterator<TaskPart> | undefined;

  /** `undefined` when the other request fails. */
  async function nextOfFlight(): Promise<IteratorResult<TaskPart, undefined> | undefined> {
    for (;;) {
      const { changed } = flight;
      try {
        const part = reader.take();
        if (part) return part;
      } catch {
        throwIfAborted(call.signal);
        return undefined;
      }
      try {
        if (!(await settlesBefore(changed, maxWaitMs, deadline))) return undefined;
      } catch (error) {
        reader.leave();
        throw error;
      }
    }
  }

  async function begin(): Promise<AsyncIterator<TaskPart>> {
    reader.leave();
    trace.cache.collapsed = false;
    const result = await generate();
    const parts =
      result.kind === "stream"
        ? result.parts[Symbol.asyncIterator]()
        : toAsync(toParts(result).values());
    for (let skipped = 0; skipped < count; skipped++) await parts.next();
    return parts;
  }

  return createParts(
    async () => {
      const joined = own ? undefined : await nextOfFlight();
      if (joined?.done) {
        reader.leave();
        return END;
      }
      if (joined) {
        count += 1;
        recordProgress(flight, call);
        return { done: false, value: toShared(joined.value) };
      }
      own ??= await begin();
      return own.next();
    },
    async () => {
      reader.leave();
      await own?.return?.();
    },
  );
}

/** The event of a request that has joined another one tells of the same tokens, by its own clock. */
function recordProgress({ progress }: AnswerFlight, { trace }: Call): void {
  if (!progress) return;
  const { firstTokenMs } = trace.generation ?? NOTHING_GENERATED;
  const { elapsedMs } = trace;
  trace.generation = {
    ...progress,
    cachedTokens: 0,
    firstTokenMs: firstTokenMs ?? elapsedMs,
    lastTokenMs: elapsedMs,
  };
}

const END = { done: true, value: undefined } as const;

function createParts(
  next: () => Promise<IteratorResult<TaskPart, undefined>>,
  leave: () => Promise<void> = async () => undefined,
): AnswerParts {
  return {
    next,
    async return() {
      await leave();
      return END;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function mapParts(parts: AnswerParts, map: (part: TaskPart) => TaskPart): AnswerParts {
  return {
    ...parts,
    async next() {
      const result = await parts.next();
      return result.done ? result : { done: false, value: map(result.value) };
    },
  };
}

function toAsync(parts: Iterator<TaskPart>): AsyncIterator<TaskPart> {
  return { next: async () => parts.next() };
}
