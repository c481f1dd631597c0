import type { TaskPart } from "../../domain/task.ts";
import type { IsolateCall } from "./isolate-call.ts";
import { toIsolateFailure } from "./isolate-failure.ts";
import type { StreamLine } from "./protocol.ts";
import { applyProgress } from "./reports.ts";
import { fromWireError } from "./wire-error.ts";

/**
 * The parts of a streamed result, each read when it is requested. `return()` cancels the stream, which ends the work in the isolate.
 * @throws ApiError what the work in the isolate ended with
 */
export function readStream(
  lines: ReadableStream<Uint8Array>,
  asked: IsolateCall,
): AsyncIterable<TaskPart> {
  return {
    // Not a generator: one that was not started would not cancel the stream.
    [Symbol.asyncIterator]() {
      const reader = lines.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new LineParser();
      let isOver = false;

      async function nextLine(): Promise<StreamLine> {
        for (;;) {
          const line = parser.take();
          if (line !== undefined) return line;
          const { done, value } = await reader.read();
          if (done) throw new Error("the stream of the isolate ended early");
          parser.add(value);
        }
      }

      return {
        async next(): Promise<IteratorResult<TaskPart>> {
          if (isOver) return { done: true, value: undefined };
          try {
            const line = await nextLine();
            if ("part" in line) {
              // The last report does not arrive when the client leaves.
              if (line.generation) applyProgress(asked.call.trace, line.generation);
              return { done: false, value: line.part };
            }
            asked.report(line.end);
            if (line.error) throw fromWireError(line.error);
            isOver = true;
            return { done: true, value: undefined };
          } catch (error) {
            isOver = true;
            throw toIsolateFailure(error, asked.target.id, asked.call);
          }
        },
        async return(): Promise<IteratorResult<TaskPart>> {
          isOver = true;
          await reader.cancel();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** Lines of JSON of a text that arrives in pieces. */
class LineParser {
  #text = "";

  add(text: string): void {
    this.#text += text;
  }

  /** The next line, once all of it has arrived. */
  take(): StreamLine | undefined {
    const end = this.#text.indexOf("\n");
    if (end < 0) return undefined;
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return JSON.parse(line);
  }
}
