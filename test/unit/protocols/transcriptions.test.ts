import { describe, expect, test } from "vitest";
import type { Transcript } from "../../../src/domain/blocks/postprocess/speech-recognition.ts";
import { NOTHING_GENERATED } from "../../../src/domain/generation-progress.ts";
import { guessFormModel } from "../../../src/protocols/openai/model-field.ts";
import { parseTranscription } from "../../../src/protocols/openai/transcription-request.ts";
import {
  languageName,
  toTranscription,
  toUsage,
} from "../../../src/protocols/openai/transcription-response.ts";
import { toEvents, toTaskRequest } from "../../../src/protocols/openai/transcriptions.ts";
import { catchApiError } from "../../support/errors.ts";

const FILE = new File([Uint8Array.of(1, 2, 3)], "speech.wav", { type: "audio/wav" });

/** @param fields names and values; a list of values repeats the name */
function form(fields: Readonly<Record<string, string | File | readonly string[]>>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries({ file: FILE, model: "speech", ...fields }))
    for (const each of [value].flat()) data.append(name, each as string);
  return data;
}

function refused(fields: Parameters<typeof form>[0]) {
  const { code, message, details } = catchApiError("invalid_request", () =>
    parseTranscription(form(fields)),
  );
  return { code, message, field: details?.field };
}

describe("a request for a transcription", () => {
  test("has the fields of its form, with defaults", () => {
    expect(parseTranscription(form({}))).toMatchObject({
      model: "speech",
      response_format: "json",
      stream: false,
    });
  });

  test("has numbers, booleans and lists as clients write them", () => {
    const request = parseTranscription(
      form({
        temperature: "0.25",
        stream: "True",
        response_format: "text",
        language: "null",
        chunking_strategy: "auto",
      }),
    );
    expect(request).toMatchObject({ temperature: 0.25, stream: true, chunking_strategy: "auto" });
    expect(request.language).toBeUndefined();
    for (const name of [
      "timestamp_granularities",
      "timestamp_granularities[]",
      "timestamp_granularities[0]",
    ])
      expect(
        parseTranscription(form({ response_format: "verbose_json", [name]: "segment" })),
      ).toMatchObject({ timestamp_granularities: ["segment"] });
  });

  test.each([
    ["include", { "include[]": "logprobs" }],
    ["keywords", { "keywords[]": ["a", "b"] }],
    ["languages", { "languages[0]": "en" }],
    ["known_speaker_names", { "known_speaker_names[]": "Ann" }],
    ["known_speaker_references", { "known_speaker_references[]": "data:" }],
    ["timestamp_granularities", { "timestamp_granularities[]": "segment" }],
    [
      "timestamp_granularities.0",
      { "timestamp_granularities[]": "word", response_format: "verbose_json" },
    ],
    ["response_format", { response_format: "diarized_json" }],
    ["response_format", { response_format: "srt", stream: "true" }],
    ["temperature", { temperature: "2" }],
    ["temperature", { temperature: "warm" }],
    ["stream", { stream: "yes" }],
    ["chunking_strategy", { "chunking_strategy[type]": "server_vad" }],
    ["file", { file: "speech.wav" }],
    ["model", { model: ["a", "b"] }],
    ["speed", { speed: "2" }],
    ["__proto__", { ["__proto__"]: "x" }],
  ])("is refused by its field %s: %j", (field, fields) => {
    expect(refused(fields as Parameters<typeof form>[0])).toMatchObject({
      code: "invalid_request",
      field,
    });
  });

  test("for times of words is refused with what they need", () => {
    const fields = { "timestamp_granularities[]": "word", response_format: "verbose_json" };
    expect(refused(fields).message).toContain("alignment heads");
  });

  test("is one for the task, with times only where the format shows them", async () => {
    const { inputs, parameters } = await toTaskRequest(
      parseTranscription(form({ temperature: "0", prompt: "Names" })),
    );
    expect(inputs).toMatchObject({ type: "audio/wav", bytes: Uint8Array.of(1, 2, 3) });
    expect(parameters).toEqual({
      return_timestamps: false,
      details: true,
      language: undefined,
      prompt: "Names",
    });
    const drawn = await toTaskRequest(
      parseTranscription(form({ temperature: "0.5", response_format: "srt" })),
    );
    expect(drawn.parameters).toMatchObject({
      return_timestamps: true,
      generation_parameters: { temperature: 0.5 },
    });
  });
});

const SEGMENT = {
  tokens: [1, 2],
  window_start: 58.2,
  temperature: 0,
  avg_logprob: -0.25,
  compression_ratio: 1.5,
  no_speech_prob: 0.01,
};
const TRANSCRIPT: Transcript = {
  text: "Good day. How --> are you?",
  details: {
    language: "en",
    duration: 3661.1,
    segments: [
      { start: 0, end: 1.5, text: " Good day.", ...SEGMENT },
      { start: 3599.9996, end: 3661.041, text: " How -->\n are you?", ...SEGMENT },
    ],
  },
};

describe("a transcription", () => {
  test("as json has its text and what was transcribed", () => {
    const { contentType, body } = toTranscription(TRANSCRIPT, "json");
    expect(contentType).toBe("application/json");
    expect(JSON.parse(body)).toEqual({
      text: TRANSCRIPT.text,
      usage: { type: "duration", seconds: 3662 },
    });
  });

  test("as verbose_json has its segments, as OpenAI's clients declare them", () => {
    expect(JSON.parse(toTranscription(TRANSCRIPT, "verbose_json").body)).toEqual({
      task: "transcribe",
      language: "english",
      duration: 3661.1,
      text: TRANSCRIPT.text,
      usage: { type: "duration", seconds: 3662 },
      segments: [
        {
          id: 0,
          seek: 5820,
          start: 0,
          end: 1.5,
          text: " Good day.",
          tokens: [1, 2],
          temperature: 0,
          avg_logprob: -0.25,
          compression_ratio: 1.5,
          no_speech_prob: 0.01,
        },
        expect.objectContaining({ id: 1, end: 3661.041 }),
      ],
    });
  });

  test("as text, srt and vtt is a text, in whose cues no text reads as a time", () => {
    expect(toTranscription(TRANSCRIPT, "text")).toEqual({
      contentType: "text/plain; charset=utf-8",
      body: "Good day. How --> are you?\n",
    });
    expect(toTranscription(TRANSCRIPT, "srt").body).toBe(
      "1\n00:00:00,000 --> 00:00:01,500\nGood day.\n\n2\n01:00:00,000 --> 01:01:01,041\nHow -> are you?\n\n",
    );
    expect(toTranscription(TRANSCRIPT, "vtt").body).toBe(
      "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nGood day.\n\n01:00:00.000 --> 01:01:01.041\nHow -> are you?\n\n",
    );
  });

  test("of a recording without speech has no cues", () => {
    const empty = { text: "", details: { language: "en", duration: 2, segments: [] } };
    expect(toTranscription(empty, "srt").body).toBe("");
    expect(toTranscription(empty, "vtt").body).toBe("WEBVTT\n\n");
    expect(toUsage(2)).toEqual({ type: "duration", seconds: 2 });
  });

  test("names its language as OpenAI's API does", () => {
    expect(languageName("en")).toBe("english");
    expect(languageName("de")).toBe("german");
  });
});

describe("the model in a form", () => {
  const part = (name: string, value: string, more = "") =>
    `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
  const file = part("file", "x".repeat(5000), '; filename="a.wav"\r\nContent-Type: audio/wav');
  const guess = (text: string) => guessFormModel(new TextEncoder().encode(text));

  test("is found before and after the file", () => {
    expect(guess(`${part("model", "speech")}${file}--b--\r\n`)).toBe("speech");
    expect(guess(`${file}${part("model", "speech")}--b--\r\n`)).toBe("speech");
  });

  test("is unknown where there is none", () => {
    expect(guess(`${file}--b--\r\n`)).toBeUndefined();
    expect(guess("")).toBeUndefined();
  });
});

describe("the events of a streamed transcription", () => {
  const PARTS = [
    { index: 0, text: "One.", result: null },
    { index: 1, text: "", result: null },
    { index: 2, text: " Two.", result: null },
    { index: 3, text: "", result: { text: "One. Two." } },
  ];

  test("are a delta for each window with a text, and the whole text at the end", async () => {
    const parts = (async function* () {
      yield* PARTS;
    })();
    const generation = { ...NOTHING_GENERATED, inputTokens: 2, outputTokens: 9 };
    expect(await Array.fromAsync(toEvents(parts, { generation }))).toEqual([
      { type: "transcript.text.delta", delta: "One." },
      { type: "transcript.text.delta", delta: " Two." },
      {
        type: "transcript.text.done",
        text: "One. Two.",
        usage: { type: "tokens", input_tokens: 2, output_tokens: 9, total_tokens: 11 },
      },
    ]);
  });

  test("end the task's parts when the client leaves before the first one", async () => {
    const ends: unknown[] = [];
    const parts = {
      next: async () => ({ done: false, value: PARTS[0] }) as const,
      return: async () => {
        ends.push("ended");
        return { done: true, value: undefined } as const;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
    await toEvents(parts, { generation: undefined }).return?.();
    expect(ends).toEqual(["ended"]);
  });
});
