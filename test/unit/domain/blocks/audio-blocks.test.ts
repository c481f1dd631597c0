import { expect, test } from "vitest";
import { readModelFolder } from "../../../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../../../scripts/project.ts";
import { parseManifest } from "../../../../src/domain/manifest.ts";

/** The manifest of voice-activity, with changes. */
const model = readModelFolder(projectPath("models")).find(
  ({ manifest }) => manifest.name === "voice-activity",
);
const manifest = (): Record<string, unknown> => JSON.parse(model?.manifestText ?? "");
const preprocess = manifest().preprocess as Record<string, unknown>;

const change = (side: string, index: number, fields: object): Record<string, unknown> => {
  const tensors = manifest()[side] as object[];
  return { [side]: tensors.map((spec, at) => (at === index ? { ...spec, ...fields } : spec)) };
};
const withInput = (index: number, fields: object) => change("inputs", index, fields);
const withOutput = (index: number, fields: object) => change("outputs", index, fields);
/** The model with one more input, whose constant value the block declares. */
const withConstant = (datatype: string, value: number): Record<string, unknown> => ({
  inputs: [...(manifest().inputs as object[]), { name: "sr", datatype, shape: [] }],
  preprocess: { ...preprocess, constants: [{ input: "sr", value }] },
});

test.each<[string, Record<string, unknown>]>([
  ["a state of unknown rank", withOutput(1, { shape: [] })],
  ["a state of dynamic size", withOutput(1, { shape: [1, "batch", "size"] })],
  ["a probability in a dimension of its own", withOutput(0, { shape: ["windows", 1] })],
  ["a constant", withConstant("INT64", 16_000)],
])("an audio model's manifest with %s is valid", (_, changes) => {
  expect(parseManifest({ ...manifest(), ...changes })).toMatchObject({ name: "voice-activity" });
});

test("an omitted field of an audio block has its default", () => {
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
  [{ cache: { enabled: true, ttlSeconds: 60 } }, /must be false: .*→ at cache\.enabled/s],
  [{ cache: undefined }, /→ at cache\.enabled/],
  [
    { preprocess: { ...preprocess, windowSamples: 256 } },
    /the input takes 576 samples, not 320\s+→ at preprocess\.windowSamples/,
  ],
  [{ preprocess: { ...preprocess, state: [] } }, /→ at preprocess\.state/],
  [withInput(0, { shape: ["n", 1, 576] }), /must have the shape \[windows, samples\].*input/s],
  [withInput(0, { shape: [4, 576] }), /takes 4 windows in each run.*→ at preprocess\.input/s],
  [withInput(0, { shape: [1, 576] }), /must be 1: .*→ at preprocess\.windowsPerRun/s],
  [withInput(1, { datatype: "FP64" }), /"h" must be FP32.*→ at preprocess\.state\[0\]\.input/s],
  [
    withOutput(1, { datatype: "FP16" }),
    /"hn" must be FP32; it is FP16\s+→ at preprocess\.state\[0\]\.output/,
  ],
  [
    withOutput(2, { shape: [1, 1, 64] }),
    /has 64 values, but the input "c" takes 128\s+→ at preprocess\.state\[1\]\.output/,
  ],
  [
    withOutput(0, { datatype: "INT64" }),
    /"speech_probs" must be FP32; it is INT64\s+→ at postprocess\.probabilities/,
  ],
  [
    withOutput(0, { shape: ["windows", 2] }),
    /must have the shape \[windows\] or \[windows, 1\].*→ at postprocess\.probabilities/s,
  ],
  [withConstant("INT64", 0.5), /must be an integer from .*constants\[0\]\.value/s],
  [withConstant("FP32", 1e39), /must be a number from .*constants\[0\]\.value/s],
  [withConstant("BYTES", 1), /"sr" is BYTES, not a number\s+→ at .*constants\[0\]\.input/s],
  [
    { task: undefined, postprocess: undefined },
    /must be voice-activity, which audio-windows needs\s+→ at postprocess\.type/,
  ],
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
    /"input" must be FP32; it is FP16\s+→ at preprocess\.input/,
  ],
  [
    { task: undefined, preprocess: { type: "array", version: 1, input: "input" } },
    /must be audio-windows, which voice-activity needs\s+→ at preprocess\.type/,
  ],
])("an audio model's manifest with %j is refused", (change, problem) => {
  expect(() => parseManifest({ ...manifest(), ...change })).toThrow(problem);
});
