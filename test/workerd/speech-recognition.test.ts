import { existsSync } from "node:fs";
import { InferenceClient } from "@huggingface/inference";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import type { Transcript } from "../../src/domain/blocks/postprocess/speech-recognition.ts";
import type { TranscriptPart } from "../../src/tasks/speech/transcript.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { poll } from "../support/poll.ts";
import { beginPost } from "../support/raw-request.ts";
import {
  join,
  readRecording,
  readSentence,
  silence,
  sound,
  toWav,
  wordErrors,
  words,
} from "../support/recordings.ts";
import type { TestResponse } from "../support/service.ts";

/** Recordings through the task API in workerd, with Whisper tiny.en in an isolate of its own. */

interface Recording {
  readonly name: string;
  readonly text: string;
  readonly int8: string;
}

const MODEL = "whisper-tiny-en";
const PATH = `/models/${MODEL}`;
const LOGITS_BYTES = 51_864 * 4;
const WAV = { "content-type": "audio/wav" };

const all: { recordings: Recording[] } = JSON.parse(
  new TextDecoder().decode(readRecording("speech", "transcripts.json")),
);
/** Those whose files are kept. */
const recordings = all.recordings.filter(({ name }) =>
  existsSync(projectPath("test", "fixtures", "speech", `${name}.wav`)),
);
const find = (name: string): Recording => {
  const found = recordings.find((each) => each.name === name);
  if (!found) throw new Error(`no recording ${name}`);
  return found;
};
/** In order; their texts are those of Python where the windows are the same. */
const SENTENCES = ["reading-0920", "hibari-05", "slt-08", "reading-0930", "rms-09"].map(find);

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({
    models: [MODEL, "iris-logistic"],
    vars: { TIMEOUT_MS: "120000", MAX_QUEUE_MS: "120000", CACHE_TIERS: "" },
  });
}, 60_000);

afterAll(() => service?.dispose());

function send(body: Uint8Array<ArrayBuffer>, query = ""): Promise<TestResponse> {
  return service.request(`${PATH}${query}`, { method: "POST", headers: WAV, body });
}

async function transcribe(body: Uint8Array<ArrayBuffer>, query = ""): Promise<Transcript> {
  const response = await send(body, query);
  expect(response).toMatchObject({ status: 200 });
  return response.body as Transcript;
}

const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

async function isolate() {
  const { isolates } = await service.runtime();
  return isolates.find(({ model }) => model.name === MODEL);
}

function idleIsolate() {
  return poll("idle isolate", async () => {
    const found = await isolate();
    return found?.leases.length === 0 ? found : undefined;
  });
}

interface Streamed {
  readonly id: string;
  readonly parts: AsyncGenerator<TranscriptPart & { readonly code?: string }>;
  leave(): void;
}

async function stream(
  body: Uint8Array,
  parameters: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Streamed> {
  const controller = new AbortController();
  const response = await fetch(`${service.origin}${PATH}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ inputs: toBase64(body), parameters, stream: true }),
    signal: controller.signal,
  });
  expect(response.status).toBe(200);
  return {
    id: response.headers.get("x-request-id") ?? "",
    parts: parseEvents(response.body as ReadableStream<Uint8Array>),
    leave: () => controller.abort(),
  };
}

async function* parseEvents(body: ReadableStream<Uint8Array>): Streamed["parts"] {
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice("data: ".length));
    }
  }
}

async function collect({ parts }: Streamed) {
  const collected = [];
  for await (const part of parts) collected.push(part);
  return collected;
}

function expectTimes(
  { chunks = [], text }: Transcript,
  seconds: number,
): NonNullable<Transcript["chunks"]> {
  let last = 0;
  for (const { timestamp } of chunks)
    for (const time of timestamp) {
      expect(time).toBeGreaterThanOrEqual(last);
      expect(time).toBeLessThanOrEqual(seconds);
      last = time;
    }
  expect(words(chunks.map((chunk) => chunk.text).join(""))).toEqual(words(text));
  return chunks;
}

const REPETITIONS = 3;

/** A minute and a half: the sentences three times, with pauses. */
function longRecording(): Float32Array {
  const once = SENTENCES.flatMap(({ name }) => [readSentence(name), silence(0.6)]);
  return join(...Array.from({ length: REPETITIONS }, () => [...once, silence(4)]).flat());
}

const hum = (time: number) => 0.4 * Math.sin(2 * Math.PI * 440 * time);
const NOTES = [0, 4, 7, 12, 7, 4, 5, 9];
const melody = (time: number) => {
  const note = NOTES[Math.floor(2 * time) % NOTES.length] ?? 0;
  const turn = 2 * Math.PI * 261.6 * 2 ** (note / 12) * time;
  return 0.2 * Math.sin(turn) + 0.1 * Math.sin(1.5 * turn) + 0.1 * Math.sin(2 * turn);
};
/** The same each time. */
const noise = (time: number) => 0.3 * (2 * ((Math.sin(time * 12_345.678) * 43_758.5453) % 1) - 1);

describe("recordings of sentences", () => {
  test("have at most one word wrong in twenty", async () => {
    expect(recordings.length).toBeGreaterThan(8);
    let errors = 0;
    let count = 0;
    for (const { name, text } of recordings) {
      const transcript = await transcribe(readRecording("speech", `${name}.wav`));
      errors += wordErrors(words(transcript.text), words(text));
      count += words(text).length;
    }
    expect(errors / count).toBeLessThan(0.05);
  });

  test("in other forms have the same text", async () => {
    const { name, int8 } = find("hibari-05");
    const samples = readSentence(name);
    for (const wav of [toWav(samples, 44_100, 2), toWav(samples, 8000), toWav(samples, 48_000)])
      expect(words((await transcribe(wav)).text)).toEqual(words(int8));
  });

  test("as raw bodies, base64, data URLs, forms and lists have the same text", async () => {
    const { name, int8 } = find("hibari-05");
    const wav = readRecording("speech", `${name}.wav`);
    const { text } = await transcribe(wav);
    expect(text).toBe(int8);
    for (const inputs of [toBase64(wav), `data:audio/wav;base64,${toBase64(wav)}`])
      expect((await service.post(PATH, { inputs })).body).toEqual({ text });
    const list = await service.post(PATH, { inputs: [toBase64(wav), toBase64(toWav(silence(1)))] });
    expect(list.body).toEqual([{ text }, { text: "" }]);
    const form = new FormData();
    form.append("inputs", new File([wav], "speech.wav", { type: "audio/wav" }));
    form.append("parameters", '{"return_timestamps": true}');
    const body = (await service.request(PATH, { method: "POST", body: form })).body as Transcript;
    expectTimes(body, 4.4);
    expect(body.text).toBe(text);
  });

  test("of one short word have that word", async () => {
    const samples = readSentence("reading-0930");
    const { text } = await transcribe(toWav(samples.subarray(0, 11_000)));
    expect(words(text).length).toBeGreaterThan(0);
    expect(words(text).length).toBeLessThan(4);
  });
});

describe("a recording without speech", () => {
  test.each<[string, Float32Array]>([
    ["silence", silence(6)],
    ["a single sample", new Float32Array(1)],
    ["noise", sound(6, noise)],
    ["quiet noise", sound(6, (time) => noise(time) / 50)],
    ["a tone", sound(6, hum)],
    ["a melody", sound(8, melody)],
  ])("has an empty text and generates nothing: %s", async (_, samples) => {
    const response = await send(toWav(samples), "?return_timestamps=true");
    expect(response.body).toEqual({ text: "", chunks: [] });
    const event = await service.event(response.headers.get("x-request-id") ?? "");
    expect(event.generation).toMatchObject({
      "gen_ai.usage.input_tokens": 0,
      "gen_ai.usage.output_tokens": 0,
      audioSeconds: samples.length / 16_000,
    });
  });
});

describe("a long recording", () => {
  const samples = longRecording();
  const seconds = samples.length / 16_000;
  let known: Promise<Transcript> | undefined;
  const transcript = (): Promise<Transcript> => {
    known ??= transcribe(toWav(samples), "?return_timestamps=true");
    return known;
  };

  test("has all sentences in order, with times that do not decrease, each model loaded once", async () => {
    const before = await isolate();
    const whole = await transcript();
    const spoken = words(SENTENCES.map(({ text }) => text).join(" "));
    const expected = Array.from({ length: REPETITIONS }, () => spoken).flat();
    expect(wordErrors(words(whole.text), expected) / expected.length).toBeLessThan(0.08);
    const chunks = expectTimes(whole, seconds);
    expect(chunks.at(-1)?.timestamp[1]).toBeGreaterThan(seconds - 8);
    const after = await idleIsolate();
    expect(after.loads).toBe(before?.loads ?? 3);
    expect(after.usedBytes).toBeLessThanOrEqual(after.budgetBytes);
  });

  test("has the same text streamed, a part for each window", async () => {
    const whole = await transcript();
    const parts = await collect(await stream(toWav(samples), { return_timestamps: true }));
    expect(parts.map(({ index }) => index)).toEqual(parts.map((_, index) => index));
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.map(({ text }) => text).join("")).toBe(whole.text);
    expect(parts.flatMap(({ chunks = [] }) => chunks)).toEqual(whole.chunks);
    expect(parts.at(-1)?.result).toEqual(whole);
    expect(parts.slice(0, -1).every(({ result }) => result === null)).toBe(true);
  });

  test("lets other requests be answered between its runs", async () => {
    const long = await stream(toWav(samples));
    await long.parts.next();
    for (let request = 0; request < 10; request++)
      expect(
        await service.post("/models/iris-logistic", { inputs: [5.1, 3.5, 1.4, 0.2] }),
      ).toMatchObject({ status: 200 });
    expect((await isolate())?.leases.length).toBeGreaterThanOrEqual(0);
    long.leave();
    await idleIsolate();
  });

  test("ends at its deadline, whole and streamed, and what was sent stays", async () => {
    const headers = { "x-timeout-ms": "1500" };
    const long = await stream(toWav(samples), {}, headers);
    const parts = await collect(long);
    expect(parts.at(-1)).toMatchObject({ code: "deadline_exceeded" });
    const whole = await service.request(PATH, {
      method: "POST",
      headers: { ...WAV, ...headers },
      body: toWav(samples),
    });
    expect(whole.body).toMatchObject({ code: "deadline_exceeded" });
    await idleIsolate();
  });
});

describe("a transcription whose client leaves", () => {
  const wav = readRecording("speech", "hibari-05.wav");
  // A window of 200 tokens, which takes more than a second.
  const generation_parameters = { temperature: 1, min_new_tokens: 200, max_new_tokens: 200 };

  test.each([
    ["whole", false],
    ["streamed", true],
  ])("ends within two tokens, %s", async (_, isStreamed) => {
    await transcribe(wav);
    const body = {
      inputs: toBase64(wav),
      parameters: { generation_parameters },
      stream: isStreamed,
    };
    const id = `left-${isStreamed}`;
    const socket = await beginPost(service.origin, PATH, body, { "x-request-id": id });
    const before = await poll("tokens", async () => {
      const found = await isolate();
      return found?.leases.some(({ handles }) => handles > 8) ? found : undefined;
    });
    await poll("more tokens", async () => {
      const found = await isolate();
      return found && found.bytesOut > before.bytesOut + 3 * LOGITS_BYTES ? found : undefined;
    });
    socket.resetAndDestroy();
    // This request is sent after the connection was closed.
    const left = await isolate();
    expect(await service.event(id)).toMatchObject({ errorCode: "client_closed_request" });
    const after = await idleIsolate();
    const computed = (after.bytesOut - (left?.bytesOut ?? 0)) / LOGITS_BYTES;
    expect(computed).toBeLessThanOrEqual(2);
  });
});

describe("parameters", () => {
  const wav = readRecording("speech", "hibari-05.wav");
  const inputs = toBase64(wav);

  test("of draws give the same text for the same seed", async () => {
    const ask = async (seed: number) => {
      const generation_parameters = { temperature: 1.5, seed };
      return (await service.post(PATH, { inputs, parameters: { generation_parameters } })).body;
    };
    expect(await ask(1)).toEqual(await ask(1));
    expect(await ask(1)).not.toEqual(await ask(2));
  });

  test("with details return segments with what they were judged by", async () => {
    const parameters = { details: true, language: "en" };
    const { body } = await service.post(PATH, { inputs, parameters });
    expect(body).toMatchObject({
      text: find("hibari-05").int8,
      details: {
        language: "en",
        segments: [{ temperature: 0, tokens: expect.any(Array), window_start: expect.any(Number) }],
      },
    });
    const [segment] = (body as Transcript).details?.segments ?? [];
    expect(segment?.avg_logprob).toBeGreaterThan(-1);
    expect(segment?.no_speech_prob).toBeLessThan(0.6);
  });

  test("with a prompt take over its spelling", async () => {
    const spelled = async (prompt: string) => {
      const { body } = await service.post(PATH, { inputs, parameters: { prompt } });
      return (body as Transcript).text;
    };
    expect(words(await spelled("The coast, the platform."))).toContain("platform");
  });

  test.each<[string, object, RegExp]>([
    ["times of words", { return_timestamps: "word" }, /alignment heads/],
    ["another language", { language: "de" }, /"language" is "de", .* "en" alone/],
    ["beams", { generation_parameters: { num_beams: 4 } }, /num_beams/],
    ["an unknown one", { chunk_length_s: 30 }, /chunk_length_s/],
    [
      "more tokens than there is room for",
      { generation_parameters: { max_new_tokens: 500 } },
      /"max_new_tokens" is 500, .* room for 447/,
    ],
    ["a special token in the prompt", { prompt: "a <|endoftext|>" }, /special token/],
  ])("are refused with what is wrong: %s", async (_, parameters, message) => {
    const response = await service.post(PATH, { inputs, parameters });
    expect(response.status).toBe(400);
    expect((response.body as { detail: string }).detail).toMatch(message);
  });
});

describe("a file", () => {
  test("that ends early is read as far as it goes, and one without samples is refused", async () => {
    const wav = readRecording("speech", "reading-0870.wav");
    const { text } = await transcribe(wav.slice(0, 130_001));
    expect(text).toMatch(/^And Mr\. John Dashwood/);
    const response = await send(wav.slice(0, 44));
    expect(response).toMatchObject({ status: 400, body: { code: "invalid_input" } });
  });

  test("that is no audio is refused with what it is", async () => {
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]);
    expect(await send(png)).toMatchObject({ status: 400 });
    const typed = await service.request(PATH, {
      method: "POST",
      headers: { "content-type": "image/png" },
      body: png,
    });
    expect(typed).toMatchObject({ status: 415 });
    expect((typed.body as { detail: string }).detail).toMatch(/PNG/);
  });

  test("that is too long is refused before it is read", async () => {
    const wav = toWav(silence(1));
    const long = new Uint8Array(44 + 8000 * 1300);
    long.set(wav.subarray(0, 44));
    const view = new DataView(long.buffer);
    view.setUint32(4, long.length - 8, true);
    view.setUint32(24, 4000, true);
    view.setUint32(28, 8000, true);
    view.setUint32(40, long.length - 44, true);
    const response = await send(long);
    expect(response).toMatchObject({ status: 400 });
    expect((response.body as { detail: string }).detail).toMatch(/1300 seconds long/);
  });
});

test("Hugging Face's client transcribes", async () => {
  const client = new InferenceClient("hf_any", { endpointUrl: `${service.origin}${PATH}` });
  const { name, int8 } = find("hibari-05");
  const data = new Blob([readRecording("speech", `${name}.wav`)], { type: "audio/wav" });
  expect(await client.automaticSpeechRecognition({ data })).toMatchObject({ text: int8 });
  // It sends raw bytes, and leaves out parameters.
  const endpointUrl = `${service.origin}${PATH}?return_timestamps=true`;
  const timed = await new InferenceClient("hf_any", { endpointUrl }).automaticSpeechRecognition({
    inputs: data,
  });
  expect(timed).toMatchObject({ text: int8, chunks: [{ text: ` ${int8}` }] });
});
