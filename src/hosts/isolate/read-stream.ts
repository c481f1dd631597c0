import type { TaskPart } from "../../domain/task.ts";
import { settlesWithin } from "../../shared/settles-within.ts";
import { awaitReply } from "./await-reply.ts";
import type { IsolateCall } from "./isolate-call.ts";
import { toIsolateFailure, toReplyError } from "./isolate-failure.ts";
import { InvalidReply, parseLine } from "./parse-reply.ts";
import type { StreamLine } from "./protocol.ts";

/** Of a part: as a reply in one message may have. */
const MAX_LINE_LENGTH = 33_554_432;
/** How long the end of the work is waited for. */
const MAX_CANCEL_MS = 1000;

/**
 * The parts of a streamed result, each read when it is requested. `return()` cancels the stream, which ends the work in the isolate.
 * @throws ApiError what the work in the isolate ended with
 */
export function readStream(
  lines: ReadableStream<Uint8Array>,
  asked: IsolateCall,
): AsyncIterable<TaskPart> {
  const { call, target } = asked;
  return {
    // Not a generator: one that was not started would not cancel the stream.
    [Symbol.asyncIterator]() {
      const reader = lines.getReader();
      const parser = new LineParser();

      async function nextLine(): Promise<StreamLine> {
        for (;;) {
          const line = parser.take();
          if (line !== undefined) return parseLine(line);
          const { done, value } = await awaitReply(reader.read(), call);
          if (done) throw new Error("the stream of the isolate ended early");
          parser.add(value);
        }
      }

      async function cancel(): Promise<void> {
        // A stream tells of its end with its next part only.
        asked.end();
        await settlesWithin(
          reader.cancel().catch(() => undefined),
          MAX_CANCEL_MS,
        );
      }

      return {
        async next(): Promise<IteratorResult<TaskPart>> {
          if (asked.isOver) return { done: true, value: undefined };
          try {
            const line = await nextLine();
            if ("part" in line) return { done: false, value: line.part };
            asked.report(line.end);
            if (line.error) throw toReplyError(line.error, call);
            asked.end();
            return { done: true, value: undefined };
          } catch (error) {
            await cancel();
            throw toIsolateFailure(error, target.id, call);
          }
        },
        async return(): Promise<IteratorResult<TaskPart>> {
          if (!asked.isOver) await cancel();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** Lines of JSON of a text that arrives in pieces. */
class LineParser {
  readonly #decoder = new TextDecoder();
  #text = "";
  /** Up to where no line ends. */
  #searched = 0;

  /** @throws InvalidReply when a line is too long */
  add(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes, { stream: true });
    if (this.#text.length > MAX_LINE_LENGTH) throw new InvalidReply("a part is too long");
  }

  /**
   * The next line, once all of it has arrived.
   * @throws InvalidReply when it is not JSON
   */
  take(): unknown {
    const end = this.#text.indexOf("\n", this.#searched);
    if (end < 0) {
      this.#searched = this.#text.length;
      return undefined;
    }
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    this.#searched = 0;
    try {
      return JSON.parse(line);
    } catch (cause) {
      throw new InvalidReply("a part is not JSON", { cause });
    }
  }
}
