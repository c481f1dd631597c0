import { toProblem } from "../../http/problem.ts";
import { type StreamFormat, toServerSentEvent } from "../../http/stream.ts";

/** Parts as `message` events; a failure as an `error` event with problem details. */
export function streamFormat(requestId: string): StreamFormat {
  return {
    part: (part) => toServerSentEvent(part),
    error: (error) => {
      // Hugging Face's clients look for these fields.
      const described = { error: error.message, error_type: "generation" };
      return toServerSentEvent({ ...toProblem(error, requestId), ...described }, "error");
    },
  };
}
