import { throwIfAborted, yieldToEventLoop } from "../../../domain/call.ts";
import type { TaskPart } from "../../../domain/task.ts";
import type { StreamLine } from "../wire/protocol.ts";
import { toWireError } from "../wire/wire-error.ts";
import type { ServedCall } from "./served-call.ts";

const ENCODER = new TextEncoder();

/**
 * The parts as lines of JSON: each is computed when the Worker can take it, and the work ends when the Worker cancels the
 * stream. The call ends with the stream.
 */
export function writeStream(
  parts: AsyncIterable<TaskPart>,
  served: ServedCall,
): ReadableStream<Uint8Array> {
  const iterator = parts[Symbol.asyncIterator]();
  const { signal, waitUntil } = served.call;
  let isFirst = true;
  // Otherwise the work would stop in the middle when the Worker's request ends, and release nothing.
  waitUntil(served.ended);
  const toLine = (line: StreamLine): Uint8Array<ArrayBuffer> =>
    ENCODER.encode(`${JSON.stringify(line)}\n`) as Uint8Array<ArrayBuffer>;

  const finish = (): void => {
    signal.removeEventListener("abort", stop);
    served.end(false);
  };
  const stop = async (): Promise<void> => {
    // A part that is being computed is not waited for.
    served.abort();
    try {
      await iterator.return?.();
    } catch {
      // The work has ended all the same, and nobody is there to be told.
    } finally {
      finish();
    }
  };
  if (signal.aborted) void stop();
  else signal.addEventListener("abort", stop, { once: true });

  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      try {
        // Where the Worker has the same thread, it sends a part only when the isolate does not go on at once.
        if (!isFirst) await yieldToEventLoop();
        isFirst = false;
        const { done, value } = await iterator.next();
        if (!done)
          return controller.enqueue(toLine({ part: value, generation: served.generation }));
        throwIfAborted(signal);
        finish();
        controller.enqueue(toLine({ end: served.report() }));
      } catch (error) {
        finish();
        controller.enqueue(toLine({ end: served.report(), error: toWireError(error) }));
      }
      controller.close();
    },
    cancel: stop,
  });
}
