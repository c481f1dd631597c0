import OpenAI, { APIError, toFile } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { join, readRecording, readSentence, silence, toWav, words } from "../support/recordings.ts";
import { type Service, startService } from "../support/service.ts";

/** OpenAI's own client with Whisper tiny.en in workerd. */

const model = "whisper-tiny-en";
/** What the same weights write down in Python (`test/fixtures/speech/transcripts.json`). */
const TEXT = "The train to the coast leaves from the second platform in about 10 minutes.";
const NAME = "hibari-05";

let service: Service;
let client: OpenAI;

beforeAll(async () => {
  service = await startService({
    models: [model, "iris-logistic"],
    vars: { TIMEOUT_MS: "60000", MAX_QUEUE_MS: "60000" },
  });
  client = new OpenAI({ baseURL: `${service.origin}/v1`, apiKey: "sk-any", maxRetries: 0 });
}, 60_000);

afterAll(() => service?.dispose());

const wav = () => toFile(readRecording("speech", `${NAME}.wav`), "speech.wav");
/** Two windows: between them is more silence than a window has. */
const twoWindows = () =>
  toFile(toWav(join(readSentence(NAME), silence(5), readSentence("slt-08"))), "speech.wav");

async function failure(promise: Promise<unknown>): Promise<APIError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof APIError)) throw new Error(`no error of the API: ${error}`);
  return error;
}

describe("transcriptions", () => {
  test("have the text of a recording, and its duration", async () => {
    const transcription = await client.audio.transcriptions.create({ file: await wav(), model });
    expect(transcription).toEqual({ text: TEXT, usage: { type: "duration", seconds: 5 } });
  });

  test("have the same text in each format", async () => {
    const file = await twoWindows();
    const ask = (response_format: "text" | "srt" | "vtt") =>
      client.audio.transcriptions.create({ file, model, response_format });
    const verbose = await client.audio.transcriptions.create({
      file,
      model,
      language: "en",
      response_format: "verbose_json",
      timestamp_granularities: ["segment"],
    });
    const { text, segments = [], duration } = verbose;
    expect(text).toMatch(new RegExp(`^${TEXT} My grandmother`));
    expect(verbose).toMatchObject({ task: "transcribe", language: "english" });
    expect(words(segments.map((segment) => segment.text).join(""))).toEqual(words(text));
    expect(segments.map(({ id }) => id)).toEqual(segments.map((_, index) => index));
    expect(segments.at(-1)?.end).toBeLessThanOrEqual(duration);
    expect(segments.at(-1)?.seek).toBeGreaterThan(700);
    expect(await ask("text")).toBe(`${text}\n`);
    const cues = String(await ask("srt"))
      .trimEnd()
      .split("\n\n");
    expect(cues).toHaveLength(segments.length);
    for (const [index, cue] of cues.entries())
      expect(cue.split("\n")).toEqual([
        String(index + 1),
        expect.stringMatching(/^00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}$/),
        segments[index]?.text.trim(),
      ]);
    const vtt = String(await ask("vtt"));
    expect(vtt.split("\n\n")[0]).toBe("WEBVTT");
    expect(vtt.match(/^00:00:\d\d\.\d{3} --> 00:00:\d\d\.\d{3}$/gm)).toHaveLength(segments.length);
  });

  test("are streamed, a delta for each window, with the whole text at the end", async () => {
    const file = await twoWindows();
    const { text } = await client.audio.transcriptions.create({ file, model });
    const stream = await client.audio.transcriptions.create({ file, model, stream: true });
    const events = [];
    for await (const event of stream) events.push(event);
    const deltas = events.flatMap((event) =>
      event.type === "transcript.text.delta" ? [event.delta] : [],
    );
    expect(deltas).toHaveLength(2);
    expect(deltas.join("")).toBe(text);
    expect(events.at(-1)).toEqual({
      type: "transcript.text.done",
      text,
      usage: {
        type: "tokens",
        // The token that begins the text of a window.
        input_tokens: 2,
        output_tokens: expect.any(Number),
        total_tokens: expect.any(Number),
      },
    });
  });

  test("of silence are empty, whole and streamed", async () => {
    const file = await toFile(toWav(silence(3)), "silence.wav");
    const verbose = await client.audio.transcriptions.create({
      file,
      model,
      response_format: "verbose_json",
    });
    expect(verbose).toMatchObject({ text: "", segments: [], duration: 3 });
    const stream = await client.audio.transcriptions.create({ file, model, stream: true });
    const events = [];
    for await (const event of stream) events.push(event);
    expect(events).toMatchObject([{ type: "transcript.text.done", text: "" }]);
  });

  test("end with a client that aborts, and the server goes on", async () => {
    const sentence = readSentence(NAME);
    const long = join(...Array.from({ length: 12 }, () => [sentence, silence(3.5)]).flat());
    const controller = new AbortController();
    const stream = await client.audio.transcriptions.create(
      { file: await toFile(toWav(long), "long.wav"), model, stream: true },
      { signal: controller.signal },
    );
    for await (const event of stream) {
      expect(event.type).toBe("transcript.text.delta");
      controller.abort();
      break;
    }
    const next = await client.audio.transcriptions.create({ file: await wav(), model });
    expect(next.text).toBe(TEXT);
  });
});

describe("a request is refused by its field:", () => {
  test.each<[string, object]>([
    ["language", { language: "de" }],
    ["response_format", { response_format: "diarized_json" }],
    [
      "timestamp_granularities.0",
      { response_format: "verbose_json", timestamp_granularities: ["word"] },
    ],
    ["include", { include: ["logprobs"] }],
    ["chunking_strategy", { chunking_strategy: { type: "server_vad", threshold: 0.4 } }],
    ["temperature", { temperature: 3 }],
    ["prompt", { prompt: "<|endoftext|>" }],
    ["model", { model: "iris-logistic" }],
    ["model", { model: "no-such-model" }],
    ["speed", { speed: 2 }],
  ])("%s", async (param, fields) => {
    const request = { file: await wav(), model, ...fields };
    const error = await failure(client.audio.transcriptions.create(request as never));
    expect([400, 404]).toContain(error.status);
    expect(error).toMatchObject({ param, type: "invalid_request_error" });
  });

  test("file, for what is no WAV file", async () => {
    const png = await toFile(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), "a.mp3");
    const error = await failure(client.audio.transcriptions.create({ file: png, model }));
    expect(error).toMatchObject({ param: "file" });
    expect(error.message).toMatch(/PNG/);
    const cut = await toFile(readRecording("speech", `${NAME}.wav`).slice(0, 30), "a.wav");
    const early = await failure(client.audio.transcriptions.create({ file: cut, model }));
    expect(early).toMatchObject({ status: 400, param: "file" });
    expect(early.message).toMatch(/file cannot be read as a WAV file/);
  });

  test("a body that is no form", async () => {
    const { status, body } = await service.post("/v1/audio/transcriptions", { model });
    expect(status).toBe(415);
    expect(body).toMatchObject({ error: { code: "unsupported_media_type" } });
  });
});
