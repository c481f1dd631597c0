import * as z from "zod";
import { elementCount, type TensorSpec } from "../../tensor.ts";
import type { ManifestContext, PreprocessDefinition, Problem } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import { canHold, describeValues, findSpec, fixedSize, tensorProblems } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("audio-windows"),
  version,
  input: z
    .string()
    .describe("The model's FP32 input, of shape [windows, contextSamples + windowSamples]."),
  sampleRate: z
    .int()
    .min(1000)
    .max(384_000)
    .describe("The model's sample rate in Hz; audio is resampled to it, and channels averaged."),
  windowSamples: z.int().min(1).max(65_536).describe("New samples of a window."),
  contextSamples: z
    .int()
    .min(0)
    .max(65_536)
    .default(0)
    .describe("Samples in front of them, from the window before; silence before the first."),
  windowsPerRun: z
    .int()
    .min(1)
    .max(4096)
    .default(1)
    .describe("How many windows one run takes at most, in their order."),
  maxSeconds: z.number().min(0.01).max(3600).default(300).describe("Of audio in one request."),
  state: z
    .array(z.strictObject({ input: z.string(), output: z.string() }))
    .min(1)
    .max(16)
    .describe(
      "FP32 tensors that each run reads and returns; 0 in the first run. A dynamic dimension is 1.",
    ),
  constants: z
    .array(z.strictObject({ input: z.string(), value: z.number() }))
    .max(16)
    .default([])
    .describe("Inputs that are the same in each run, such as the sample rate."),
});

export type AudioWindowsBlock = z.output<typeof schema>;

/** Audio as a sequence of windows for a recurrent model. */
export const audioWindowsBlock = {
  type: "audio-windows",
  schema,
  mediaTypes: ["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"],
  inputs: "a WAV file as base64 or a data URL, or a list of WAV files",
  parameters: NO_PARAMETERS,
  references: ({ input, state, constants }) => ({
    inputs: [input, ...[...state, ...constants].map((entry) => entry.input)],
    outputs: state.map(({ output }) => output),
  }),
  *problems(block, manifest) {
    if (manifest.postprocess?.type !== "voice-activity")
      yield {
        path: ["postprocess", "type"],
        message: "must be voice-activity, which audio-windows needs",
      };
    if (manifest.cache.enabled)
      yield {
        path: ["cache", "enabled"],
        message: "must be false: predictions of a model that keeps state are not cached",
      };
    yield* windowProblems(block, findSpec(manifest.inputs, block.input));
    yield* stateProblems(block, manifest);
    yield* constantProblems(block, manifest);
  },
} satisfies PreprocessDefinition<typeof schema>;

function* windowProblems(
  block: AudioWindowsBlock,
  spec: TensorSpec | undefined,
): Generator<Problem> {
  if (!spec) return;
  const path = ["preprocess", "input"];
  yield* tensorProblems(path, spec, { datatypes: ["FP32"], shapes: [["windows", "samples"]] });
  const [windows, width] = spec.shape.map(fixedSize);
  const samples = block.contextSamples + block.windowSamples;
  if (width !== undefined && width !== samples)
    yield {
      path: ["preprocess", "windowSamples"],
      message: `the input takes ${width} samples, not ${samples}`,
    };
  // The last run of a recording may have a single window.
  if (windows !== undefined && windows !== 1)
    yield { path, message: `takes ${windows} windows in each run: it must be dynamic or 1` };
  if (windows === 1 && block.windowsPerRun !== 1)
    yield {
      path: ["preprocess", "windowsPerRun"],
      message: "must be 1: the input takes one window in each run",
    };
}

function* stateProblems(block: AudioWindowsBlock, manifest: ManifestContext): Generator<Problem> {
  for (const [index, names] of block.state.entries()) {
    const input = findSpec(manifest.inputs, names.input);
    const output = findSpec(manifest.outputs, names.output);
    const path = (field: "input" | "output") => ["preprocess", "state", index, field];
    if (input && input.datatype !== "FP32") yield mustBeFp32(path("input"), input);
    if (output && output.datatype !== "FP32") yield mustBeFp32(path("output"), output);
    if (!input || !output || output.shape.length === 0) continue;
    const sizes = output.shape.map(fixedSize);
    const expected = elementCount(input.shape.map((size) => fixedSize(size) ?? 1));
    if (sizes.some((size) => size === undefined)) continue;
    const actual = elementCount(sizes.map((size) => size ?? 1));
    if (actual !== expected)
      yield {
        path: path("output"),
        message: `has ${actual} values, but the input "${input.name}" takes ${expected}`,
      };
  }
}

function mustBeFp32(path: Problem["path"], { name, datatype }: TensorSpec): Problem {
  return { path, message: `${JSON.stringify(name)} must be FP32; it is ${datatype}` };
}

function* constantProblems(
  { constants }: AudioWindowsBlock,
  manifest: ManifestContext,
): Generator<Problem> {
  for (const [index, { input, value }] of constants.entries()) {
    const datatype = findSpec(manifest.inputs, input)?.datatype;
    if (!datatype) continue;
    if (datatype === "BYTES" || datatype === "BOOL") {
      const path = ["preprocess", "constants", index, "input"];
      yield { path, message: `${JSON.stringify(input)} is ${datatype}, not a number` };
      continue;
    }
    if (!canHold(datatype, value))
      yield {
        path: ["preprocess", "constants", index, "value"],
        message: `must be ${describeValues(datatype)}, as the input is ${datatype}`,
      };
  }
}
