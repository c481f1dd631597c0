import * as z from "zod";
import type { Transcript } from "../../domain/blocks/postprocess/speech-recognition.ts";
import type { ResponseFormat } from "./transcription-request.ts";

export const transcriptionUsageSchema = z
  .strictObject({
    type: z.literal("duration"),
    seconds: z.number().describe("Of the audio, rounded up."),
  })
  .describe("What was transcribed.");

export const transcriptionSegmentSchema = z.strictObject({
  id: z.int().min(0),
  seek: z.int().min(0).describe("Where its window begins, in hundredths of a second."),
  start: z.number(),
  end: z.number(),
  text: z.string(),
  tokens: z.array(z.int()),
  temperature: z.number(),
  avg_logprob: z.number(),
  compression_ratio: z.number(),
  no_speech_prob: z.number(),
});

const verbose = z.strictObject({
  task: z.literal("transcribe"),
  language: z.string().describe("In English: `english`."),
  duration: z.number().describe("Of the audio, in seconds."),
  text: z.string(),
  segments: z.array(transcriptionSegmentSchema),
  usage: transcriptionUsageSchema,
});

const brief = z.strictObject({ text: z.string(), usage: transcriptionUsageSchema });

export const transcriptionResponseSchema = z
  .union([verbose, brief])
  .describe("With `verbose_json`, and with `json`.");

/** The language's English name, in lower case, as OpenAI's API has it. */
export function languageName(code: string): string {
  const name = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" }).of(code);
  return (name ?? code).toLowerCase();
}

/** @param duration of the audio in seconds */
export function toUsage(duration: number): z.output<typeof transcriptionUsageSchema> {
  return { type: "duration", seconds: Math.ceil(duration) };
}

/** A transcript with details, in the requested format. */
export function toTranscription(
  { text, details }: Transcript,
  format: ResponseFormat,
): { readonly contentType: string; readonly body: string } {
  if (!details) throw new Error("the transcript has no details");
  const { duration, language, segments } = details;
  switch (format) {
    case "json":
      return toJson({ text, usage: toUsage(duration) });
    case "verbose_json":
      return toJson({
        task: "transcribe",
        language: languageName(language),
        duration,
        text,
        segments: segments.map(({ window_start: start, ...each }, id) => ({
          id,
          seek: Math.round(start * 100),
          ...each,
        })),
        usage: toUsage(duration),
      } satisfies z.output<typeof verbose>);
    case "text":
      return toText(`${text}\n`);
    case "srt":
      return toText(segments.map((each, index) => toCue(each, index + 1, ",")).join(""));
    case "vtt":
      return toText(`WEBVTT\n\n${segments.map((each) => toCue(each, undefined, ".")).join("")}`);
  }
}

function toJson(value: object) {
  return { contentType: "application/json", body: JSON.stringify(value) };
}

function toText(body: string) {
  return { contentType: "text/plain; charset=utf-8", body };
}

interface Cue {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A cue of SubRip, or of WebVTT (https://www.w3.org/TR/webvtt1/), whose text has no arrow. */
function toCue({ start, end, text }: Cue, number: number | undefined, point: string): string {
  const first = number === undefined ? "" : `${number}\n`;
  const line = text.trim().replace(/\s+/g, " ").replaceAll("-->", "->");
  return `${first}${toClock(start, point)} --> ${toClock(end, point)}\n${line}\n\n`;
}

/** `00:01:02,345` */
function toClock(seconds: number, point: string): string {
  const milliseconds = Math.round(seconds * 1000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const clock = [
    milliseconds / 3_600_000,
    (milliseconds / 60_000) % 60,
    (milliseconds / 1000) % 60,
  ];
  return `${clock.map(two).join(":")}${point}${String(milliseconds % 1000).padStart(3, "0")}`;
}
