import type { TaskPart } from "../domain/task.ts";
import { retainedBytes } from "./retained-bytes.ts";

/** What was read of a stream. */
export interface RecordedParts {
  /** `undefined` when they take more than may be kept. */
  readonly parts: readonly TaskPart[] | undefined;
  /** Whether the stream ended by itself: its reader did not leave before. */
  readonly isComplete: boolean;
}

/** Parts, as long as they take no more memory than the limit. */
class Recorder {
  readonly #limitBytes: number;
  #bytes = 0;
  #parts: TaskPart[] | undefined = [];

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get parts(): readonly TaskPart[] | undefined {
    return this.#parts;
  }

  add(part: TaskPart): void {
    this.#bytes += retainedBytes(part, this.#limitBytes);
    if (this.#bytes > this.#limitBytes) this.#parts = undefined;
    this.#parts?.push(part);
  }
}

/**
 * The parts, recorded as their reader gets them.
 * @param onEnd called once when the reader has read all of them or leaves; not for a stream that fails
 */
export function recordParts(
  parts: AsyncIterable<TaskPart>,
  limitBytes: number,
  onEnd: (recorded: RecordedParts) => void,
): AsyncIterable<TaskPart> {
  return {
    // Not a generator: one that was not started would not end the parts.
    [Symbol.asyncIterator]() {
      const iterator = parts[Symbol.asyncIterator]();
      const recorder = new Recorder(limitBytes);
      let hasEnded = false;
      const end = (isComplete: boolean): void => {
        if (!hasEnded) onEnd({ parts: recorder.parts, isComplete });
        hasEnded = true;
      };
      return {
        async next() {
          try {
            const result = await iterator.next();
            if (result.done) end(true);
            else recorder.add(result.value);
            return result;
          } catch (error) {
            hasEnded = true;
            throw error;
          }
        },
        async return() {
          try {
            await iterator.return?.();
          } finally {
            end(false);
          }
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** Reads so many parts, as long as they take no more memory than the limit, and then ends the work. */
export async function readParts(
  parts: AsyncIterable<TaskPart>,
  count: number,
  limitBytes: number,
): Promise<readonly TaskPart[]> {
  const recorder = new Recorder(limitBytes);
  let read: readonly TaskPart[] = [];
  for await (const part of parts) {
    recorder.add(part);
    if (!recorder.parts) break;
    read = recorder.parts;
    if (read.length >= count) break;
  }
  return read;
}
