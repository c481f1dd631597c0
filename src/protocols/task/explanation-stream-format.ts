import { toProblem } from "../../http/problem.ts";
import { type StreamFormat, toServerSentEvent } from "../../http/stream.ts";
import type { ExplanationPart } from "../../inference/explaining/explanation-parts.ts";

/** Progress and what is known until now as `progress` and `partial` events, the result as a `message`; a failure as an `error` event. */
export function explanationStreamFormat(requestId: string): StreamFormat {
  return {
    part: (part) => {
      const { event, data } = part as ExplanationPart;
      return toServerSentEvent(data, event === "result" ? undefined : event);
    },
    error: (error) => toServerSentEvent(toProblem(error, requestId), "error"),
  };
}
