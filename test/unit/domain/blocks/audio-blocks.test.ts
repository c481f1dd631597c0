import { expect, test } from "vitest";
import { readModelFolder } from "../../../../scripts/model-folder.ts";
import { projectPath } from "../../../../scripts/project.ts";
import { parseManifest } from "../../../../src/domain/manifest.ts";

/** The manifest of voice-activity, changed so that it is wrong. */
const model = readModelFolder(projectPath("models")).find(
  ({ manifest }) => manifest.name === "voice-activity",
);
const manifest = (): Record<string, unknown> => JSON.parse(model?.manifestText ?? "");
const preprocess = manifest().preprocess as Record<string, unknown>;

test("what a block leaves out has its default", () => {
  const { type, version, input, sampleRate, windowSamples, state } = preprocess;
  const least = { type, version, input, sampleRate, windowSamples: 576, state };
  expect(windowSamples).toBe(512);
  const parsed = parseManifest({
    ...manifest(),
    preprocess: least,
    postprocess: { type: "voice-activity", version: 1, probabilities: "speech_probs" },
  });
  expect(parsed.preprocess).toEqual({
    ...least,
    contextSamples: 0,
    windowsPerRun: 1,
    maxSeconds: 300,
    constants: [],
  });
  expect(parsed.postprocess).toMatchObject({
    threshold: 0.5,
    minSpeechMs: 250,
    minSilenceMs: 100,
    speechPadMs: 30,
  });
});

test.each<[change: Record<string, unknown>, problem: RegExp]>([
  [{ cache: { enabled: true, ttlSeconds: 60 } }, /keeps state is not cached.*→ at cache\.enabled/s],
  [{ cache: undefined }, /→ at cache\.enabled/],
  [
    { preprocess: { ...preprocess, windowSamples: 256 } },
    /the input takes 576 samples, not 320\s+→ at preprocess\.windowSamples/,
  ],
  [{ preprocess: { ...preprocess, state: [] } }, /→ at preprocess\.state/],
  [
    { preprocess: { ...preprocess, state: [{ input: "h", output: "h2" }] } },
    /"h2" is not one of outputs/,
  ],
  [
    { preprocess: { ...preprocess, constants: [{ input: "sr", value: 1 }] } },
    /"sr" is not one of inputs/,
  ],
  [
    { inputs: [{ name: "input", datatype: "FP16", shape: ["n", 576] }] },
    /the input "input" must be FP32/,
  ],
  [
    { task: undefined, preprocess: { type: "array", version: 1, input: "input" } },
    /audio-windows goes with voice-activity/,
  ],
])("a manifest with %j is refused", (change, problem) => {
  expect(() => parseManifest({ ...manifest(), ...change })).toThrow(problem);
});
