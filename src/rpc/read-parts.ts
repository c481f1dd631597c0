import { ERROR_KINDS, type ErrorCode } from "../domain/errors.ts";

/** The problem details of a stream's last event, when it failed. */
interface StreamProblem {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly status: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

const END_OF_EVENT = "\n\n";
const ERROR_EVENT = "event: error\n";
const DATA = "data: ";

/**
 * The parts of a stream that `stream` returned, or of a response over HTTP with `stream`. To stop reading ends the work.
 * @throws Error with `code`, `status`, `retryable` and `details`, when the stream failed after its beginning
 */
export async function* readParts<Part = unknown>(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Part, void, void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let isDone = false;
  try {
    while (!isDone) {
      const { done, value } = await reader.read();
      isDone = done;
      text += decoder.decode(value, { stream: !done });
      const events = text.split(END_OF_EVENT);
      text = events.pop() ?? "";
      for (const event of events) {
        if (event.startsWith(ERROR_EVENT))
          throw toError(parse<StreamProblem>(event.slice(ERROR_EVENT.length)));
        if (event.startsWith(DATA)) yield parse<Part>(event);
      }
    }
    if (text !== "") throw new Error("the stream ended within a part");
  } finally {
    if (!isDone) await reader.cancel();
  }
}

function parse<T>(event: string): T {
  return JSON.parse(event.slice(DATA.length)) as T;
}

function toError({ code, detail, status, details }: StreamProblem): Error {
  const error = new Error(detail);
  error.name = code;
  const { retryable } = ERROR_KINDS[code];
  return Object.assign(error, { code, status, retryable, ...(details && { details }) });
}
