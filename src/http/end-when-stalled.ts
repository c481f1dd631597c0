import { Deadline } from "../domain/deadline.ts";
import { ApiError } from "../domain/errors.ts";
import { settleBefore } from "../domain/settle-before.ts";
import { pumpBytes } from "../shared/pump-bytes.ts";

/**
 * The same stream, which fails with `body_timeout` when nothing arrives for `timeoutMs`. For uploads, which may take longer
 * than a request's deadline as a whole.
 */
export function endWhenStalled(
  body: ReadableStream<Uint8Array>,
  timeoutMs: number,
): ReadableStream<Uint8Array> {
  return pumpBytes(body, {
    async wait(read) {
      try {
        return await settleBefore(new Deadline({ timeoutMs }), read);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        throw new ApiError("body_timeout", `Nothing of the body arrived for ${timeoutMs} ms.`, {
          details: { timeoutMs },
        });
      }
    },
  });
}
