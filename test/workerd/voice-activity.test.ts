import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import wavefile from "wavefile";
import { projectPath } from "../../scripts/project.ts";
import type { VoiceActivityPrediction } from "../../src/domain/blocks/postprocess/voice-activity.ts";
import { findModel } from "../support/publish.ts";
import { type Service, startService, type TestResponse } from "../support/service.ts";
import { expectClose } from "../support/tensors.ts";

/** Recordings through the task API in workerd, compared with silero-vad in Python. */

interface Clip {
  readonly file: string;
  readonly samples: number;
  readonly probabilities: readonly number[];
  readonly speech: readonly {
    readonly parameters: Readonly<Record<string, number>>;
    readonly speech: VoiceActivityPrediction["speech"];
  }[];
}

const FOLDER = projectPath("test", "fixtures", "audio");
const { clips, tolerance }: { clips: Clip[]; tolerance: number } = JSON.parse(
  readFileSync(`${FOLDER}/clips.json`, "utf8"),
);
const PATH = "/models/voice-activity";
/** Pieces of a stream pass through the same arithmetic; only the size of the engine's runs differs. */
const STREAM_TOLERANCE = 1e-5;

let service: Service;

beforeAll(async () => {
  service = await startService({ models: ["voice-activity", "iris-logistic"] });
});

afterAll(() => service?.dispose());

function read(file: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(`${FOLDER}/${file}`));
}

function send(
  body: Uint8Array<ArrayBuffer>,
  query = "",
  type = "audio/wav",
): Promise<TestResponse> {
  const headers = { "content-type": type };
  return service.request(`${PATH}${query}`, { method: "POST", body, headers });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function speechOf(clip: Clip, index = 0): VoiceActivityPrediction["speech"] {
  return clip.speech[index]?.speech ?? [];
}

function compressed(file: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(projectPath("test", "fixtures", "sounds", "files", file)));
}

/** What the files of recipes/compressed_sound_fixtures.py are of. */
function uncompressed(): Uint8Array<ArrayBuffer> {
  const wav = new wavefile.WaveFile(read("two-sentences-16k.wav"));
  const samples = Array.from(wav.getSamples() as unknown as Int16Array).slice(8000, 23_000);
  const part = new wavefile.WaveFile();
  part.fromScratch(1, 16_000, "16", samples);
  return new Uint8Array(part.toBuffer());
}

function expectActivity(prediction: unknown, clip: Clip, within = tolerance): void {
  const { speech, probabilities, ...rest } = prediction as VoiceActivityPrediction;
  expectClose(probabilities, clip.probabilities, within);
  expect(speech).toEqual(speechOf(clip));
  expect(rest).toEqual({});
}

/** A file cut at these frames, into files of their own. */
function split(file: string, ...places: number[]): Uint8Array<ArrayBuffer>[] {
  const bytes = read(file);
  const header = bytes.slice(0, 44);
  const view = new DataView(header.buffer);
  const frameBytes = view.getUint16(32, true);
  const ends = [...places.map((frame) => 44 + frame * frameBytes), 44 + view.getUint32(40, true)];
  return ends.map((end, index) => {
    const piece = bytes.slice(index === 0 ? 44 : ends[index - 1], end);
    const whole = new Uint8Array(44 + piece.length);
    whole.set(header);
    whole.set(piece, 44);
    new DataView(whole.buffer).setUint32(40, piece.length, true);
    return whole;
  });
}

function noise(seconds: number, rate: number, amplitude = 8000): Uint8Array<ArrayBuffer> {
  const samples = Int16Array.from(
    { length: seconds * rate },
    (_, i) => amplitude * Math.sin(i * i),
  );
  const file = new wavefile.WaveFile();
  file.fromScratch(1, rate, "16", samples);
  return new Uint8Array(file.toBuffer());
}

describe.each(clips)("the speech in $file is that of silero-vad", (clip) => {
  test.each(["audio/wav", "audio/x-wav", "audio/wave"])("as a raw %s", async (type) => {
    const response = await send(read(clip.file), "", type);
    expect(response.status).toBe(200);
    expectActivity(response.body, clip);
  });

  test("in JSON as base64 and as a data URL, alone and in a list", async () => {
    const text = base64(read(clip.file));
    const url = `data:audio/wav;base64,${text}`;
    expectActivity((await service.post(PATH, { inputs: text })).body, clip);
    const { body } = await service.post(PATH, { inputs: [url, text] });
    expect(body).toHaveLength(2);
    for (const one of body as unknown[]) expectActivity(one, clip);
  });

  test("in a form", async () => {
    const form = new FormData();
    form.append("inputs", new File([read(clip.file)], clip.file, { type: "audio/wav" }));
    form.append("parameters", "{}");
    const response = await service.request(PATH, { method: "POST", body: form });
    expectActivity(response.body, clip);
  });

  test.each(clip.speech)("with $parameters", async ({ parameters, speech }) => {
    const query = new URLSearchParams(
      Object.entries(parameters).map(([name, value]) => [name, String(value)]),
    );
    const response = await send(read(clip.file), `?${query}`);
    expect(response.status).toBe(200);
    expect((response.body as VoiceActivityPrediction).speech).toEqual(speech);
  });

  test.each([[512], [513], [8191], [1, 2, 700], [4096, 4097, 9000]])(
    "as a stream in pieces that end at %j",
    async (...places) => {
      const pieces = split(clip.file, ...places);
      const speech = [];
      const probabilities = [];
      let state: string | undefined;
      for (const [index, piece] of pieces.entries()) {
        const parameters = { ...(state && { state }), stream: index < pieces.length - 1 };
        const response = await service.post(PATH, { inputs: base64(piece), parameters });
        expect(response.status).toBe(200);
        const body = response.body as VoiceActivityPrediction;
        expect(typeof body.state).toBe(parameters.stream ? "string" : "undefined");
        speech.push(...body.speech);
        probabilities.push(...body.probabilities);
        state = body.state;
      }
      const whole = (await send(read(clip.file))).body as VoiceActivityPrediction;
      expectClose(probabilities, whole.probabilities, STREAM_TOLERANCE);
      expect(speech).toEqual(speechOf(clip));
    },
  );
});

test("the prediction for the manifest's example is its output", async () => {
  const { example } = findModel("voice-activity").manifest;
  if (!example) throw new Error("the manifest has no example");
  const prediction = (await service.post(PATH, { inputs: example.inputs })).body;
  const { speech, probabilities } = prediction as VoiceActivityPrediction;
  const expected = example.output as unknown as VoiceActivityPrediction;
  expect(speech).toEqual(expected.speech);
  expectClose(probabilities, expected.probabilities, example.tolerance);
});

test("a stream can be continued by query parameters", async () => {
  const [clip] = clips as [Clip];
  const [first, second] = split(clip.file, 20_000);
  const { state, ...one } = (await send(first as Uint8Array<ArrayBuffer>, "?stream=true"))
    .body as VoiceActivityPrediction;
  const response = await send(second as Uint8Array<ArrayBuffer>, `?state=${state}`);
  const two = response.body as VoiceActivityPrediction;
  expectClose([...one.probabilities, ...two.probabilities], clip.probabilities, tolerance);
  expect([...one.speech, ...two.speech]).toEqual(speechOf(clip));
});

test("tensors through /v2 with the returned state have the same probabilities", async () => {
  const [clip] = clips as [Clip];
  const bytes = read(clip.file);
  const pcm = new Int16Array(bytes.buffer, 44);
  const zeros = { datatype: "FP32", shape: [1, 1, 128] };
  let state = ["h", "c"].map((name) => ({ ...zeros, name, data: Array(128).fill(0) }));
  for (let index = 0; index < 20; index++) {
    const data = Array.from({ length: 576 }, (_, i) => (pcm[index * 512 + i - 64] ?? 0) / 32_768);
    const input = { name: "input", datatype: "FP32", shape: [1, 576], data };
    const { body } = await service.post(`/v2/models/voice-activity/infer`, {
      inputs: [input, ...state],
    });
    const { outputs } = body as { outputs: { name: string; data: number[] }[] };
    const [probability, hidden, cell] = outputs;
    expectClose(probability?.data ?? [], clip.probabilities.slice(index, index + 1), tolerance);
    state = [hidden, cell].map((output, i) => ({
      ...zeros,
      name: ["h", "c"][i] ?? "",
      data: output?.data ?? [],
    }));
  }
});

test("noise, silence and one sample are not speech", async () => {
  const silence = noise(1, 8000, 0);
  const [single] = split("two-sentences-16k.wav", 1);
  for (const clip of [noise(2, 48_000), silence, single as Uint8Array<ArrayBuffer>]) {
    const { status, body } = await send(clip);
    expect(status).toBe(200);
    expect((body as VoiceActivityPrediction).speech).toEqual([]);
  }
});

test("predictions with state are not cached", async () => {
  const cached = await startService({
    models: ["voice-activity"],
    vars: { CACHE_TIERS: "isolate" },
  });
  try {
    for (let i = 0; i < 2; i++) {
      const { headers } = await cached.request(PATH, {
        method: "POST",
        body: read("stereo-22050.wav"),
        headers: { "content-type": "audio/wav" },
      });
      expect(headers.get("cache-status")).toContain("fwd=bypass");
    }
  } finally {
    await cached.dispose();
  }
});

describe("compressed recordings are heard as what they were made of", () => {
  test.each([
    ["mono.flac", "audio/flac"],
    ["mono.mp3", "audio/mpeg"],
    ["mono-vorbis.ogg", "audio/ogg"],
    ["mono-opus.ogg", "application/octet-stream"],
  ])("%s as %s", async (file, type) => {
    const whole = (await send(uncompressed())).body as VoiceActivityPrediction;
    const response = await send(compressed(file), "", type);
    expect(response.status, JSON.stringify(response.body)).toBe(200);
    const { speech, probabilities } = response.body as VoiceActivityPrediction;
    if (file === "mono.flac") expect(probabilities).toEqual(whole.probabilities);
    // Opus has a rate of 48 kHz, of which the fixture's samples last a third of the time.
    if (file === "mono-opus.ogg") return;
    expect(speech).toHaveLength(whole.speech.length);
    for (const [at, { start, end }] of speech.entries()) {
      expect(Math.abs(start - (whole.speech[at]?.start ?? 0))).toBeLessThan(0.1);
      expect(Math.abs(end - (whole.speech[at]?.end ?? 0))).toBeLessThan(0.1);
    }
  });
});

describe("invalid recordings", () => {
  const good = read("two-sentences-16k.wav");
  const change = (offset: number, ...values: number[]): Uint8Array<ArrayBuffer> => {
    const bytes = good.slice();
    bytes.set(values, offset);
    return bytes;
  };

  test.each<[name: string, body: Uint8Array<ArrayBuffer>, message: string]>([
    ["no channels", change(22, 0, 0), "it has no channels"],
    ["a rate of 0", change(24, 0, 0, 0, 0), "its rate is 0 Hz"],
    ["a rate of 4e9", change(24, 0, 0x28, 0x6b, 0xee), "its rate is 4000000000 Hz"],
    ["a block align of 7", change(32, 7, 0), "its block align is 7"],
    ["an unknown codec", change(20, 0x55), "MP3"],
    ["no WAV file", new Uint8Array(Buffer.from("what is this, then?")), 'it begins with "what"'],
    ["a long clip", noise(301, 2000), "is 301 seconds long: a request may have 300 at most"],
    ["an awkward rate", change(24, 0xff, 0xed, 0x02, 0), "191999 Hz, whose ratio to the model's"],
  ])("%s is refused", async (_, body, message) => {
    const response = await send(body);
    expect(response).toMatchObject({ status: 400, body: { code: "invalid_input" } });
    expect((response.body as { detail: string }).detail).toContain(message);
  });

  test.each(["mono.mp3", "mono.flac", "mono-vorbis.ogg", "mono-opus.ogg"])(
    "%s that is cut is refused",
    async (file) => {
      const bytes = compressed(file);
      const response = await send(bytes.slice(0, bytes.length / 2), "", "audio/wav");
      expect(response).toMatchObject({ status: 400, body: { code: "invalid_input" } });
      expect((response.body as { detail: string }).detail).toMatch(/truncated|damaged/);
    },
  );

  test("clips that are too long together are refused before any is run", async () => {
    const inputs = Array.from({ length: 7 }, () => base64(noise(50, 1000)));
    const response = await service.post(PATH, { inputs });
    expect(response).toMatchObject({ status: 400, body: { code: "invalid_input" } });
    expect(response.headers.get("server-timing")).not.toContain("infer");
  });

  test("more than 64 clips are refused, however short", async () => {
    const inputs = Array.from({ length: 65 }, () => base64(good));
    const response = await service.post(PATH, { inputs });
    expect(response).toMatchObject({
      status: 400,
      body: { detail: "inputs has 65 clips: a request may have 64 at most." },
    });
  });

  test.each<[inputs: unknown, status: number, message: string]>([
    [
      5,
      400,
      "inputs must be a WAV, MP3, FLAC or Ogg file: base64 of it, or a data URL of it; got 5",
    ],
    [[base64(good), null], 400, "inputs[1] must be a WAV, MP3, FLAC or Ogg file"],
    ["https://example.org/a.wav", 400, "which is not fetched"],
    ["data:audio/wav,abc", 400, "it has 3 bytes"],
    ["data:audio/aac;base64,AAAA", 415, "inputs is a data URL of audio/aac"],
    ["%%%", 400, "not base64"],
    ["", 400, "it has 0 bytes"],
    [[], 400, "empty list"],
  ])("the inputs %j are refused", async (inputs, status, message) => {
    const response = await service.post(PATH, { inputs });
    expect(response.status).toBe(status);
    expect((response.body as { detail: string }).detail).toContain(message);
  });

  test("another kind of audio is refused", async () => {
    const aiff = new Uint8Array(Buffer.from("FORM and more"));
    const response = await send(aiff, "", "audio/aiff");
    expect(response).toMatchObject({ status: 415, body: { code: "unsupported_media_type" } });
    expect((response.body as { detail: string }).detail).toContain("audio/wav");
  });

  test("audio is refused by a model of tables", async () => {
    const response = await service.request("/models/iris-logistic", {
      method: "POST",
      body: good,
      headers: { "content-type": "audio/wav" },
    });
    expect(response.status).toBe(415);
  });

  test.each<[query: string, message: string]>([
    ["threshold=2", "threshold"],
    ["threshold=0.3&neg_threshold=0.4", "must not be above"],
    ["speech_pad_ms=-1", "speech_pad_ms"],
    ["stream=perhaps", "stream"],
    ["top_k=1", "it takes threshold, neg_threshold"],
  ])("the parameters %s are refused", async (query, message) => {
    const response = await send(good, `?${query}`);
    expect(response).toMatchObject({ status: 400, body: { code: "invalid_request" } });
    expect((response.body as { detail: string }).detail).toContain(message);
  });

  test("an invalid state, a damaged one, and one of another rate are refused", async () => {
    const { state = "" } = (await send(good, "?stream=true")).body as VoiceActivityPrediction;
    const damaged = `${state.slice(0, 200)}${state[200] === "A" ? "B" : "A"}${state.slice(201)}`;
    const cases: [Uint8Array<ArrayBuffer>, string, string][] = [
      [good, "aGVsbG8", "it is not a state of this service"],
      [good, state.slice(0, 800), "it is damaged or truncated"],
      [good, damaged, "it is damaged or truncated"],
      [read("stereo-22050.wav"), state, "22050 Hz, but the stream that"],
    ];
    for (const [body, text, message] of cases) {
      const response = await send(body, `?state=${text}`);
      expect(response).toMatchObject({ status: 400, body: { code: "invalid_input" } });
      expect((response.body as { detail: string }).detail).toContain(message);
    }
  });

  test("a state for two clips is refused", async () => {
    const inputs = [base64(good), base64(good)];
    const response = await service.post(PATH, { inputs, parameters: { state: "AAAA" } });
    expect(response).toMatchObject({ status: 400, body: { code: "invalid_request" } });
  });
});

describe("a recording is recognized by its bytes", () => {
  test.each([
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "audio/vnd.wave",
    "audio/mpeg",
    "",
  ])("with the type %j, as a body and in a form", async (type) => {
    const wav = read("two-sentences-16k.wav");
    const expected = await send(wav);
    expect(expected.status).toBe(200);
    const headers = type === "" ? {} : { "content-type": type };
    const raw = await service.request(PATH, { method: "POST", body: wav, headers });
    expect(raw).toMatchObject({ status: 200, body: expected.body });
    const form = new FormData();
    form.append("inputs", new Blob([wav], { type }), "plain.wav");
    const part = await service.request(PATH, { method: "POST", body: form });
    expect(part).toMatchObject({ status: 200, body: expected.body });
  });

  test("as base64url, and with the size of a stream", async () => {
    const wav = read("two-sentences-16k.wav");
    const { body } = await send(wav);
    const stream = wav.slice();
    const view = new DataView(stream.buffer);
    view.setUint32(4, 0xffff_ffff, true);
    view.setUint32(Buffer.from(wav).indexOf("data") + 4, 0xffff_ffff, true);
    expect(await send(stream)).toMatchObject({ status: 200, body });
    const inputs = Buffer.from(stream).toString("base64url");
    expect(await service.post(PATH, { inputs })).toMatchObject({ status: 200, body });
  });
});
