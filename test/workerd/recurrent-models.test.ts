import { afterAll, beforeAll, expect, test } from "vitest";
import wavefile from "wavefile";
import type { VoiceActivityPrediction } from "../../src/domain/blocks/postprocess/voice-activity.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { leakySum } from "../support/awkward-models.ts";
import { type Service, startService } from "../support/service.ts";
import { store } from "../support/stored-model.ts";
import { expectClose } from "../support/tensors.ts";

/** A recurrent model of one window for each run, with the rate as an input. */

const RATE = 8000;
const SAMPLES = Float32Array.from([0.5, -0.25, 0.125, 1, 0, 0.75, -1, 0.5, 0.25, 0.25]);

const TASK: Partial<Manifest> = {
  task: "voice-activity-detection",
  preprocess: {
    type: "audio-windows",
    version: 1,
    input: "x",
    sampleRate: RATE,
    windowSamples: 4,
    contextSamples: 2,
    windowsPerRun: 1,
    maxSeconds: 1,
    state: [{ input: "s", output: "s1" }],
    constants: [{ input: "rate", value: RATE }],
  },
  postprocess: {
    type: "voice-activity",
    version: 1,
    probabilities: "p",
    threshold: 0.5,
    minSpeechMs: 0,
    minSilenceMs: 0,
    speechPadMs: 0,
  },
};

let service: Service;

beforeAll(async () => {
  service = await startService({ models: [] });
  await store(service.bucket, "leaky", leakySum, TASK);
});

afterAll(() => service?.dispose());

function toBase64(samples: Float32Array): string {
  const file = new wavefile.WaveFile();
  file.fromScratch(1, RATE, "32f", samples);
  return Buffer.from(file.toBuffer()).toString("base64");
}

/** The expected outputs of the model, computed here. */
function expected(samples: Float32Array): number[] {
  const padded = [0, 0, ...samples, 0, 0];
  let level = 0;
  return [0, 4, 8].map((start) => {
    const window = padded.slice(start, start + 6);
    level = level / 2 + window.reduce((sum, value) => sum + value, 0) / 6;
    return level * RATE;
  });
}

test("a recurrent model of one window runs once for each window, with the state of the previous run", async () => {
  const { status, body } = await service.post("/models/leaky", { inputs: toBase64(SAMPLES) });
  expect(status).toBe(200);
  expectClose((body as VoiceActivityPrediction).probabilities, expected(SAMPLES), 1e-3);
});

test("a stream has the same result in pieces of any length", async () => {
  for (const size of [1, 3, 4, 7]) {
    const probabilities: number[] = [];
    let state: string | undefined;
    for (let start = 0; start < SAMPLES.length; start += size) {
      const parameters = { stream: start + size < SAMPLES.length, ...(state && { state }) };
      const inputs = toBase64(SAMPLES.subarray(start, start + size));
      const response = await service.post("/models/leaky", { inputs, parameters });
      expect(response.status).toBe(200);
      const body = response.body as VoiceActivityPrediction;
      probabilities.push(...body.probabilities);
      state = body.state;
    }
    expectClose(probabilities, expected(SAMPLES), 1e-3);
  }
});

test("a state of another model is refused", async () => {
  const unused = { name: "unused", datatype: "FP32", shape: [], data: Float32Array.of(1) } as const;
  const weights = [...(leakySum.weights ?? []), unused];
  await store(service.bucket, "other", { ...leakySum, weights }, TASK);
  const inputs = toBase64(SAMPLES);
  const first = await service.post("/models/leaky", { inputs, parameters: { stream: true } });
  const { state } = first.body as VoiceActivityPrediction;
  const response = await service.post("/models/other", { inputs, parameters: { state } });
  expect(response).toMatchObject({ status: 400, body: { code: "invalid_input" } });
  expect((response.body as { detail: string }).detail).toContain("is of another model");
});
