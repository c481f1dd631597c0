import { EventSourceParserStream } from "eventsource-parser/stream";
import { CliError, explain } from "../cli-error.ts";
import type { Output } from "../output.ts";

/** Prints the parts of a streamed result: texts as they come, with `--json` an event a line. */
export async function printStream(output: Output, response: Response): Promise<void> {
  let [hasEvents, hasText] = [false, false];
  for await (const data of untilCut(readEvents(response))) {
    hasEvents = true;
    const error = toStreamError(data);
    if (error) throw error;
    const text = output.json ? undefined : tokenText(data);
    if (text === undefined) output.raw(`${data}\n`);
    else {
      hasText = true;
      output.raw(text);
    }
  }
  if (hasText) output.raw("\n");
  if (!hasEvents)
    throw new CliError("serverFailed", "the response has no events", {
      hint: "check --url or ONNXFLARE_URL: this is no stream of the service",
    });
}

async function* untilCut(events: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* events;
  } catch (error) {
    throw new CliError("unreachable", `the connection ended before the result: ${explain(error)}`, {
      cause: error,
    });
  }
}

/** The data of server-sent events. */
export async function* readEvents(response: Response): AsyncGenerator<string> {
  if (!response.body) return;
  const events = response.body
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .pipeThrough(new EventSourceParserStream());
  for await (const { data } of events) if (data !== "[DONE]") yield data;
}

function parse(data: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(data));
  } catch {
    return {};
  }
}

/** The text of one token of a generated text. */
function tokenText(data: string): string | undefined {
  const { token } = parse(data);
  const { text, special } = Object(token);
  if (typeof text !== "string") return undefined;
  return special === true ? "" : text;
}

/** An error that came after the response had begun. */
function toStreamError(data: string): CliError | undefined {
  const { code, detail, error, request_id: requestId } = parse(data);
  const message = typeof detail === "string" ? detail : error;
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  return new CliError("serverFailed", message, {
    code,
    requestId: typeof requestId === "string" ? requestId : undefined,
  });
}
