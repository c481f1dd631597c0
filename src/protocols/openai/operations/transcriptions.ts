import type { Transcript } from "../../../domain/blocks/postprocess/speech-recognition.ts";
import { ApiError } from "../../../domain/errors.ts";
import { mediaType } from "../../../domain/media.ts";
import { callOf } from "../../../http/call.ts";
import { respondStream, type StreamFormat, toServerSentEvent } from "../../../http/stream.ts";
import { RUN_MODEL } from "../../error-groups.ts";
import { EVENT_STREAM_CONTENT, schemaReference } from "../../openapi/schema-reference.ts";
import type { InferenceOperation } from "../../operation.ts";
import { readForm } from "../../read-form.ts";
import { resolveReference } from "../../resolve-model.ts";
import { renderOpenAiError } from "../error.ts";
import { guessFormModel } from "../model-field.ts";
import { nameField } from "../name-field.ts";
import { json } from "../schemas.ts";
import { parseTranscription } from "../transcription-request.ts";
import { toTranscription } from "../transcription-response.ts";
import {
  checkTranscribes,
  nameTranscriptionField,
  toEvents,
  toTaskRequest,
} from "../transcriptions.ts";

const ENCODER = new TextEncoder();

export const CREATE_TRANSCRIPTION: InferenceOperation = {
  id: "createTranscription",
  kind: "inference",
  method: "post",
  path: "/audio/transcriptions",
  access: "predict",
  tag: "Predictions",
  summary: "Transcribe a recording in OpenAI's form",
  description:
    "For models whose task is automatic speech recognition. The recording is a WAV, MP3, FLAC or Ogg file. A field of OpenAI's API that is not honoured is refused. With `stream`, the text of each window of speech is sent as a server-sent event when it is known.",
  parameters: ["x-timeout-ms", "x-sticky-key", "x-subject-id", "cache-control", "content-encoding"],
  body: {
    required: true,
    content: { "multipart/form-data": { schema: { ...schemaReference("TranscriptionRequest") } } },
  },
  responses: {
    200: {
      description:
        "The transcript as `response_format` says: JSON, or a text of the formats `text`, `srt` and `vtt`; with `stream`, its events.",
      headers: ["x-model-version", "x-model-alias", "content-encoding"],
      content: {
        ...json("TranscriptionResponse"),
        "text/plain": { schema: { type: "string" } },
        ...EVENT_STREAM_CONTENT,
      },
    },
  },
  errors: RUN_MODEL,
  identity: { variesBy: () => "", modelIn: () => undefined, guessModel: guessFormModel },
  handler:
    ({ router, runTask }) =>
    async (c) => {
      const trace = c.get("trace");
      const contentType = c.req.header("content-type") ?? "";
      const fields = await trace.measureAsync("parse", async () =>
        parseTranscription(await readTranscriptionForm(contentType, c.get("body"))),
      );
      const model = await resolveReference(c, router, fields.model).catch(nameField("model"));
      checkTranscribes(model.manifest);
      const request = await toTaskRequest(fields);
      const result = await runTask(model, request, callOf(c)).catch(nameTranscriptionField);
      if (result.kind === "stream") return respondStream(c, toEvents(result.parts, trace), FORMAT);
      const { body, contentType: type } = trace.measure("serialize", () =>
        toTranscription(result.value as Transcript, fields.response_format),
      );
      return { contentType: type, parts: [ENCODER.encode(body)] };
    },
};

/** @throws ApiError `unsupported_media_type` for another body, and what {@link readForm} throws */
function readTranscriptionForm(contentType: string, body: Uint8Array): Promise<FormData> {
  if (mediaType(contentType) === "multipart/form-data") return readForm(contentType, body);
  throw new ApiError(
    "unsupported_media_type",
    `The body must be multipart/form-data with the fields "file" and "model"; got ${JSON.stringify(contentType.slice(0, 100) || "no content-type")}.`,
  );
}

const FORMAT: StreamFormat = {
  part: (event) => toServerSentEvent(event),
  error: (error) => `data: ${renderOpenAiError(error).body}\n\n`,
};
