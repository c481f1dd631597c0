import type { FoundEntry } from "../cache/lookup.ts";
import type { Call } from "../domain/call.ts";
import type { TaskPart, TaskResult, TaskValue } from "../domain/task.ts";
import { type AnswerFlight, clientClosed } from "./answer-flight.ts";
import { decodeAnswer, type StoredAnswer, toStoredAnswer } from "./stored-answer.ts";

/** How the answer of a flight comes about. */
export interface AnswerSource {
  /** An entry of the remote tiers. */
  find(): Promise<FoundEntry | undefined>;
  /** Ends with the signal of the call. */
  execute(call: Call): Promise<TaskResult>;
  toParts(result: TaskValue): readonly TaskPart[];
  /** A part as other requests get it. */
  toShared(part: TaskPart): TaskPart;
  /** Called with an answer that is complete. */
  store(answer: StoredAnswer): void;
}

/**
 * Generates the answer of a flight for the request that began it. It goes on when that request's client leaves, as long as others read.
 * @returns when the first part may come
 * @throws ApiError what keeps the answer from being begun
 */
export async function generateAnswer(
  flight: AnswerFlight,
  source: AnswerSource,
  call: Call,
): Promise<void> {
  const generating = generate(flight, source, call).then(
    () => flight.end(),
    (error) => flight.fail(error),
  );
  call.waitUntil(generating);
  await flight.begun;
}

async function generate(flight: AnswerFlight, source: AnswerSource, call: Call): Promise<void> {
  const { trace } = call;
  const leaving = new AbortController();
  void flight.abandoned.then(() => leaving.abort());
  const progress = () => trace.generation;
  const found = await source.find();
  if (found) {
    flight.found = found;
    const { parts } = answerOf(found);
    for (const part of parts) flight.push(part);
    return flight.begin(progress);
  }
  if (flight.isAbandoned) throw clientClosed();
  const result = await source.execute(call.fork({ trace, signal: leaving.signal }));
  if (result.kind === "value") {
    for (const part of source.toParts(result)) flight.push(part);
    flight.begin(progress);
  } else {
    flight.begin(progress);
    await readParts(flight, result.parts[Symbol.asyncIterator]());
  }
  if (flight.isOversized) return;
  source.store(toStoredAnswer(flight.parts.map(source.toShared), trace.generation));
}

export function answerOf({ entry }: FoundEntry): StoredAnswer {
  if (!entry.answer) throw new Error("the cache entry has no answer");
  return decodeAnswer(entry.answer);
}

/** Reads all parts of a streamed result; ends it when the flight is abandoned. */
async function readParts(flight: AnswerFlight, parts: AsyncIterator<TaskPart>): Promise<void> {
  for (;;) {
    await flight.room();
    const reading = parts.next();
    const next = await flight.unlessAbandoned(reading);
    if (!next || flight.isAbandoned) {
      reading.catch(() => undefined);
      await parts.return?.();
      throw clientClosed();
    }
    if (next.done) return;
    flight.push(next.value);
  }
}
