import { Deadline } from "../domain/deadline.ts";
import { ApiError } from "../domain/errors.ts";
import { settleBefore } from "../domain/settle-before.ts";

/**
 * The same stream, which fails with `body_timeout` when nothing arrives for `timeoutMs`. For uploads, which may take longer
 * than a request's deadline as a whole.
 */
export function endWhenStalled(
  body: ReadableStream<Uint8Array>,
  timeoutMs: number,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { value, done } = await settleBefore(new Deadline({ timeoutMs }), reader.read());
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          void reader.cancel(error).catch(() => undefined);
          controller.error(
            error instanceof ApiError
              ? new ApiError("body_timeout", `Nothing of the body arrived for ${timeoutMs} ms.`, {
                  details: { timeoutMs },
                })
              : error,
          );
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
