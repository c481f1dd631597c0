import type { TaskPart } from "../../domain/task.ts";
import type { StreamLine } from "./protocol.ts";
import type { ServedCall } from "./served-call.ts";
import { toWireError } from "./wire-error.ts";

const ENCODER = new TextEncoder();

/**
 * The parts as lines of JSON: each is computed when the Worker can take it. The work ends when the Worker cancels the stream,
 * or the client leaves, and the call with it. Until then the call is kept alive: otherwise it would be gone with the Worker's
 * request, before the parts are told.
 */
export function writeStream(
  parts: AsyncIterable<TaskPart>,
  served: ServedCall,
): ReadableStream<Uint8Array> {
  const iterator = parts[Symbol.asyncIterator]();
  const { signal, waitUntil } = served.call;
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  waitUntil(isOver);
  const toLine = (line: StreamLine): Uint8Array<ArrayBuffer> =>
    ENCODER.encode(`${JSON.stringify(line)}\n`) as Uint8Array<ArrayBuffer>;

  const finish = (): void => {
    signal.removeEventListener("abort", stop);
    served.end(false);
    end();
  };
  const stop = async (): Promise<void> => {
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
        const { done, value } = await iterator.next();
        if (!done)
          return controller.enqueue(toLine({ part: value, generation: served.generation }));
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
