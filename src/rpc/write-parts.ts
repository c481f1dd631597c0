import { throwIfAborted, yieldToEventLoop } from "../domain/call.ts";
import { toApiError } from "../domain/errors.ts";
import type { TaskPart } from "../domain/task.ts";
import type { StreamFormat } from "../http/stream.ts";
import type { RpcCall } from "./rpc-call.ts";

const ENCODER = new TextEncoder();

/**
 * The parts as server-sent events, because only bytes are streamed between Workers: each is computed when the Worker that called can
 * take it, and the work ends when it cancels the stream, or goes away. The call ends with the stream.
 */
export function writeParts(
  parts: AsyncIterable<TaskPart>,
  format: StreamFormat,
  rpcCall: RpcCall,
): ReadableStream<Uint8Array> {
  const iterator = parts[Symbol.asyncIterator]();
  const { signal, trace } = rpcCall;
  let isFirst = true;
  let isCancelled = false;

  const finish = (thrown?: unknown): void => {
    signal.removeEventListener("abort", stop);
    rpcCall.end(thrown);
  };
  const stop = async (): Promise<void> => {
    try {
      await iterator.return?.();
    } catch {
      // The work has ended all the same, and nobody is there to be told.
    }
    try {
      throwIfAborted(signal);
    } catch (closed) {
      finish(closed);
    }
  };
  if (signal.aborted) void stop();
  else signal.addEventListener("abort", stop, { once: true });

  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const send = (text: string): void => {
        const bytes = ENCODER.encode(text) as Uint8Array<ArrayBuffer>;
        trace.bytesOut += bytes.byteLength;
        controller.enqueue(bytes);
      };
      try {
        // Where both Workers have one thread, a part is sent only when this one does not go on at once.
        if (!isFirst) await yieldToEventLoop();
        isFirst = false;
        const { done, value } = await iterator.next();
        throwIfAborted(signal);
        if (!done) return send(format.part(value));
        if (format.end !== undefined) send(format.end);
        finish();
      } catch (error) {
        if (isCancelled) return;
        send(format.error(toApiError(error)));
        finish(error);
      }
      controller.close();
    },
    cancel: (reason) => {
      isCancelled = true;
      rpcCall.abort(reason);
    },
  });
}
