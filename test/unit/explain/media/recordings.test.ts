import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { Media } from "../../../../src/domain/media.ts";
import { toSoundParts } from "../../../../src/explain/sound/sound-parts.ts";
import { expectedParts, explain, furthest } from "../../../support/explained-parts.ts";
import { readExplanations } from "../../../support/explained-tables.ts";
import { findModel } from "../../../support/publish.ts";
import { type ServedVersion, servedVersion } from "../../../support/served-version.ts";
import { readSpeech } from "../../../support/spoken-recordings.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** Explanations of recordings against the same model in ONNX Runtime, as recipes/explained_parts_fixtures.py computed them. */

const { file, window_ms, bands, in_time, in_frequency } = expectedParts.voices;
const RECORDING = new Media(
  "audio/wav",
  new Uint8Array(readFileSync(projectPath("test", "fixtures", "audio", file))),
);

let voices: ServedVersion;
beforeAll(() => {
  stubWorkersGlobals();
  voices = servedVersion(findModel("voice-activity"));
});

describe("where somebody speaks", () => {
  test("is explained by the silenced windows of Python", async () => {
    const answer = await explain(voices, "occlusion", RECORDING, { window_ms });
    expect(answer).toMatchObject({
      space: "probability",
      output_names: ["speech 0.23-1.60 s"],
      runs: in_time.values.length + 2,
    });
    expect(furthest(answer.values, in_time.values)).toBeLessThan(1e-4);
    expect(answer.base_value).toBeCloseTo(in_time.base_value, 5);
    expect(answer.parts[1]).toEqual({ start: 0.4, end: 0.8, value: answer.values[1] });
  });

  test("is explained by the silenced bands of NumPy", async () => {
    const answer = await explain(voices, "occlusion", RECORDING, { bands });
    expect(furthest(answer.values, in_frequency.values)).toBeLessThan(1e-4);
    expect(answer.parts[0]?.from).toBe(0);
    expect(answer.parts[bands - 1]?.to).toBeCloseTo(8000, 6);
  });

  test("has an output for each segment of speech", async () => {
    const answer = await explain(voices, "occlusion", RECORDING, { bands: 2 }, { output: "all" });
    expect(answer.output_names).toEqual(["speech 0.23-1.60 s", "speech 2.18-3.11 s"]);
  });
});

test("the best label of a recording is explained by the silenced windows of Python", async () => {
  const { cards } = readExplanations<{
    cards: Record<string, { values: number[]; output: number; output_names: string[] }>;
  }>("cards.json");
  const expected = cards["sound-events"];
  const sounds = servedVersion(findModel("sound-events"));
  const answer = await explain(sounds, "occlusion", RECORDING, { window_ms: 400 });
  expect(answer).toMatchObject({ space: "probability", output_names: expected?.output_names });
  expect(furthest(answer.values, expected?.values ?? [])).toBeLessThan(1e-3);
});

describe("a transcript", () => {
  const { name, tokens, in_time: expected, ...parameters } = expectedParts.transcripts;
  const inputs = new Media("audio/wav", readSpeech(name).wav);

  test("is explained by the silenced windows of Python", async () => {
    const speech = servedVersion(findModel("whisper-tiny-en"));
    const { window_ms: ms } = parameters;
    const answer = await explain(speech, "occlusion", inputs, { window_ms: ms });
    expect(answer).toMatchObject({
      space: "output",
      text: "The committee will discuss the budget again at its next meeting.",
      runs: 5,
    });
    // Int8: the kernels of Python round in another way, which counts where the model is not sure.
    expect(answer.output).toBeCloseTo(expected.output, 2);
    expect(furthest(answer.values, expected.values)).toBeLessThan(0.1);
    expect(Math.abs(answer.base_value - expected.base_value)).toBeLessThan(0.1);
    const scored = (score_tokens: readonly number[]) =>
      speech.execute({ inputs, parameters: { details: true, score_tokens } }, 1);
    expect(await scored(tokens)).toMatchObject({
      value: { text: answer.text, details: { segments: [{ avg_logprob: answer.output }] } },
    });
    await expect(scored([50_256])).rejects.toThrow(
      '"score_tokens" has 50256, which is no token of a text: those are below 50256.',
    );
    await expect(scored(Array(500).fill(1))).rejects.toThrow(
      '"score_tokens" has 500 tokens, and the model\'s context has room for 445.',
    );
  });
});

test("a recording of which no band is silenced stays as it is", async () => {
  const samples = Float32Array.from(
    { length: 3001 },
    (_, at) => Math.sin(at / 7) * ((at % 50) / 50),
  );
  const parts = toSoundParts({ samples, sampleRate: 16_000 }, { bands: 3 });
  const whole = await parts.without(new Uint8Array([1, 1, 1]), async () => {});
  expect(furthest([...whole], [...samples])).toBeLessThan(1e-6);
  const none = await parts.without(new Uint8Array(3), async () => {});
  expect(Math.max(...none.map(Math.abs))).toBe(0);
});

describe("a recording is refused", () => {
  test("that is divided in two ways", async () => {
    const asked = explain(voices, "occlusion", RECORDING, { bands: 2, window_ms: 100 });
    await expect(asked).rejects.toThrow('"window_ms" and "bands" are two ways');
  });

  test("that is too long, and one of too many windows", async () => {
    const header = new Uint8Array(44 + 8000 * 61);
    header.set(RECORDING.bytes.subarray(0, 44));
    const view = new DataView(header.buffer);
    view.setUint32(24, 8000, true);
    view.setUint16(32, 1, true);
    view.setUint16(34, 8, true);
    view.setUint32(40, 8000 * 61, true);
    await expect(explain(voices, "occlusion", new Media("audio/wav", header))).rejects.toThrow(
      "inputs is 61 seconds long: recordings of 60 seconds at most are explained",
    );
    const short = new Media("audio/wav", header.subarray(0, 44 + 8000 * 30));
    await expect(explain(voices, "occlusion", short, { window_ms: 20 })).rejects.toThrow(
      "The input has 1500 windows: at most 1024 are explained",
    );
  });
});
