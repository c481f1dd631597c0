import { AUDIO_MEDIA_TYPES } from "../../domain/blocks/audio-files.ts";
import type { Transcript } from "../../domain/blocks/postprocess/speech-recognition.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { Media, mediaType } from "../../domain/media.ts";
import { recognizeMedia } from "../../domain/recognize-media.ts";
import type { TaskRequest } from "../../domain/task.ts";
import type { Trace } from "../../domain/trace.ts";
import type { TranscriptionRequest } from "./transcription-request.ts";

/** @throws ApiError `invalid_request`, because OpenAI's clients retry after a 501 */
export function checkTranscribes({ name, task, postprocess }: Manifest): void {
  if (postprocess?.type === "speech-recognition") return;
  throw new ApiError(
    "invalid_request",
    `Model "${name}" does not transcribe audio${task ? `: its task is ${task}, at /models/${name}` : ""}.`,
    { details: { field: "model" } },
  );
}

/** The request of the task. */
export async function toTaskRequest(request: TranscriptionRequest): Promise<TaskRequest> {
  const { file, response_format: format, language, prompt, temperature, stream } = request;
  const bytes = new Uint8Array(await (file as Blob).arrayBuffer());
  const type = recognizeMedia(mediaType(file.type), bytes, AUDIO_MEDIA_TYPES) ?? file.type;
  return {
    inputs: new Media(type, bytes),
    parameters: {
      return_timestamps: format !== "json" && format !== "text",
      details: true,
      language,
      prompt,
      ...(temperature !== undefined &&
        temperature > 0 && { generation_parameters: { temperature } }),
    },
    stream,
  };
}

/** A part of the task's stream. */
interface StreamedPart {
  readonly text: string;
  readonly result: Transcript | null;
}

/**
 * The events of a stream: a delta for each window with a text, and the whole text at the end.
 * @param trace counts the tokens
 */
export function toEvents(
  parts: AsyncIterable<unknown>,
  trace: Pick<Trace, "generation">,
): AsyncIterableIterator<object, undefined> {
  const iterator = parts[Symbol.asyncIterator]();
  // Not a generator: one that was not started would not end the parts.
  return {
    async next() {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done) return { done: true, value: undefined };
        const { text, result } = value as StreamedPart;
        if (result) return { done: false, value: toDone(result, trace) };
        if (text !== "")
          return { done: false, value: { type: "transcript.text.delta", delta: text } };
      }
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function toDone({ text }: Transcript, trace: Pick<Trace, "generation">): object {
  return { type: "transcript.text.done", text, usage: toTokenUsage(trace) };
}

/** OpenAI counts tokens at the end of streams, and seconds elsewhere. */
function toTokenUsage({ generation }: Pick<Trace, "generation">): object {
  const { inputTokens = 0, outputTokens = 0 } = generation ?? {};
  return {
    type: "tokens",
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

const PARAMETERS = /^"parameters" are not valid for this model: /;
const FIELDS = ["language", "prompt", "temperature"];

/** Adds to an error of the task the field that it is about. */
export function nameTranscriptionField(error: unknown): never {
  if (!(error instanceof ApiError) || error.kind.status >= 500) throw error;
  const { code, message, cause, details = {} } = error;
  const named = FIELDS.find((field) => field === details.field);
  throw new ApiError(code, message.replace(/^inputs\b/, "file").replace(PARAMETERS, ""), {
    cause,
    details: { ...details, field: named ?? "file" },
  });
}
