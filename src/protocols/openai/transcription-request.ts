import * as z from "zod";
import { parseWith } from "../parse.ts";
import { type RefusedFields, refuse } from "./parse-generation.ts";

/** `POST /v1/audio/transcriptions` of OpenAI's API (https://platform.openai.com/docs/api-reference/audio/createTranscription). */

export const RESPONSE_FORMATS = ["json", "text", "srt", "verbose_json", "vtt"] as const;
export type ResponseFormat = (typeof RESPONSE_FORMATS)[number];

const STREAMED_FORMATS: readonly ResponseFormat[] = ["json", "text"];

export const transcriptionRequestSchema = z.strictObject({
  file: z.file("a file").describe("A WAV, MP3, FLAC or Ogg file."),
  model: z.string().describe("A model whose task is automatic speech recognition."),
  response_format: z
    .enum(RESPONSE_FORMATS)
    .default("json")
    .describe("Not `diarized_json`: speakers are not told apart."),
  language: z.string().optional().describe("The model's own, as ISO 639-1."),
  prompt: z
    .string()
    .optional()
    .describe(
      "A text that precedes the recording, whose spelling and names the model goes on with.",
    ),
  temperature: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      "Of draws. 0, the default, takes the most probable tokens, and draws only where their text repeats itself or is improbable.",
    ),
  stream: z
    .boolean()
    .default(false)
    .describe("Whether the text is sent as server-sent events; with `json` and `text`."),
  timestamp_granularities: z
    .array(
      z.literal("segment", {
        error: ({ input }) =>
          input === "word"
            ? '"segment" alone: times of words need alignment heads among the outputs of the model, which has none'
            : '"segment"',
      }),
    )
    .max(2)
    .optional()
    .describe("`segment`, with `verbose_json`."),
  chunking_strategy: z
    .literal("auto", {
      error: '"auto": recordings are always cut where nobody speaks, by the settings of the model',
    })
    .optional()
    .describe("`auto`, as which every recording is cut."),
});

export type TranscriptionRequest = z.output<typeof transcriptionRequestSchema>;

const REFUSED: RefusedFields = {
  include: "probabilities of tokens are not returned",
  keywords: "words have no weights: send them in prompt",
  languages: "a model has one language: send it as language",
  known_speaker_names: "speakers are not told apart",
  known_speaker_references: "speakers are not told apart",
};

/** Lists: clients write `name[]`, `name[0]`, or repeat `name`. */
const LISTS = [...Object.keys(REFUSED), "timestamp_granularities"];
/** Fields of which an empty text and `null` leave them out, and whose other texts are JSON. */
const SCALARS = ["temperature", "stream"];

/** A key of a form: a name, and what is in brackets behind it. */
const KEY = /^([^[\]]+)\[([^[\]]*)\]$/;

/**
 * The fields of a form.
 * @throws ApiError `invalid_request` that names the field
 */
export function parseTranscription(form: FormData): TranscriptionRequest {
  const fields = toFields(form);
  for (const [field, reason] of Object.entries(REFUSED))
    if (fields[field] !== undefined)
      throw refuse(field, `${field} is not supported: ${reason}. Leave it out.`);
  const request = parseWith(transcriptionRequestSchema, fields);
  const { stream, response_format: format, timestamp_granularities: granularities } = request;
  if (stream && !STREAMED_FORMATS.includes(format))
    throw refuse(
      "response_format",
      `response_format must be json or text with stream true; got ${JSON.stringify(format)}, which is a document as a whole.`,
    );
  if (granularities && format !== "verbose_json")
    throw refuse(
      "timestamp_granularities",
      `timestamp_granularities has an effect only with response_format verbose_json; got ${JSON.stringify(format)}.`,
    );
  return request;
}

function toFields(form: FormData): Record<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [key, value] of form) {
    const [, name = key, index] = KEY.exec(key) ?? [];
    if (LISTS.includes(name)) {
      fields.set(name, [...((fields.get(name) as unknown[] | undefined) ?? []), value]);
    } else if (index !== undefined) {
      // As clients write objects: `chunking_strategy[type]`.
      fields.set(name, { ...(fields.get(name) as object | undefined), [index]: value });
    } else {
      if (fields.has(name)) throw refuse(name, `${name} must be sent once.`);
      fields.set(name, SCALARS.includes(name) ? toScalar(value) : toOptional(value));
    }
  }
  return Object.fromEntries(fields);
}

/** The text of a number or a boolean as such; another one as it is. */
function toScalar(value: string | File): unknown {
  if (typeof value !== "string") return value;
  const text = value.trim();
  if (text === "" || text === "null") return undefined;
  const isBoolean = /^(?:true|false)$/i.test(text);
  const isNumber = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text);
  if (isBoolean) return text.toLowerCase() === "true";
  return isNumber ? Number(text) : value;
}

/** Clients send `null` as a text. */
function toOptional(value: string | File): unknown {
  return value === "null" ? undefined : value;
}
