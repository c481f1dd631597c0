import type { TaskPart } from "../../../domain/task.ts";
import { settlesWithin } from "../../../shared/settles-within.ts";
import type { StreamLine } from "../wire/protocol.ts";
import { applyProgress } from "../wire/reports.ts";
import { awaitReply } from "./await-reply.ts";
import type { IsolateCall } from "./isolate-call.ts";
import { toIsolateFailure, toReplyError } from "./isolate-failure.ts";
import { JsonLines } from "./json-lines.ts";
import { parseLine } from "./parse-reply.ts";

/** How long the end of the work is waited for. */
const MAX_CANCEL_MS = 1000;

/**
 * The parts of a streamed result, each read when it is requested. `return()` cancels the stream, which ends the work in the isolate.
 * @throws ApiError what the work in the isolate ended with
 */
export function readStream(
  lines: ReadableStream<Uint8Array>,
  isolateCall: IsolateCall,
): AsyncIterable<TaskPart> {
  const { call, target } = isolateCall;
  return {
    // Not a generator: one that was not started would not cancel the stream.
    [Symbol.asyncIterator]() {
      const reader = lines.getReader();
      const received = new JsonLines();

      async function nextLine(): Promise<StreamLine> {
        while (!received.hasNext) {
          const { done, value } = await awaitReply(reader.read(), call);
          if (done) throw new Error("the stream of the isolate ended early");
          received.add(value);
        }
        return parseLine(received.take());
      }

      async function cancel(): Promise<void> {
        // A stream tells of its end with its next part only.
        isolateCall.end();
        await settlesWithin(
          reader.cancel().catch(() => undefined),
          MAX_CANCEL_MS,
        );
      }

      return {
        async next(): Promise<IteratorResult<TaskPart>> {
          if (isolateCall.isOver) return { done: true, value: undefined };
          try {
            const line = await nextLine();
            if ("part" in line) {
              // The last report does not arrive when the client leaves.
              if (line.generation) applyProgress(isolateCall.call.trace, line.generation);
              return { done: false, value: line.part };
            }
            isolateCall.report(line.end);
            if (line.error) throw toReplyError(line.error, call);
            isolateCall.end();
            return { done: true, value: undefined };
          } catch (error) {
            await cancel();
            throw toIsolateFailure(error, target.id, call);
          }
        },
        async return(): Promise<IteratorResult<TaskPart>> {
          if (!isolateCall.isOver) await cancel();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
