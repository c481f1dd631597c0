import * as z from "zod";
import { elementCount, type TensorSpec } from "../tensor.ts";
import type { ModelContext, ModelReferences, Problem } from "./block-definition.ts";
import { canHold, describeValues, findSpec, fixedSize, tensorProblems } from "./tensor-checks.ts";

/** The fields of blocks that feed a recurrent model with windows of a signal. */
export const recurrentWindowFields = {
  input: z
    .string()
    .describe("The model's FP32 input, of shape [windows, contextSamples + windowSamples]."),
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
};

export type RecurrentWindows = z.output<z.ZodObject<typeof recurrentWindowFields>>;

export function recurrentReferences({
  input,
  state,
  constants,
}: RecurrentWindows): Required<ModelReferences> {
  return {
    inputs: [input, ...[...state, ...constants].map((entry) => entry.input)],
    outputs: state.map(({ output }) => output),
  };
}

/** @param path of the object that has the fields */
export function* recurrentProblems(
  path: Problem["path"],
  block: RecurrentWindows,
  model: ModelContext,
): Generator<Problem> {
  yield* windowProblems(path, block, findSpec(model.inputs, block.input));
  yield* stateProblems(path, block, model);
  yield* constantProblems(path, block, model);
}

function* windowProblems(
  base: Problem["path"],
  block: RecurrentWindows,
  spec: TensorSpec | undefined,
): Generator<Problem> {
  if (!spec) return;
  const path = [...base, "input"];
  yield* tensorProblems(path, spec, { datatypes: ["FP32"], shapes: [["windows", "samples"]] });
  const [windows, width] = spec.shape.map(fixedSize);
  const samples = block.contextSamples + block.windowSamples;
  if (width !== undefined && width !== samples)
    yield {
      path: [...base, "windowSamples"],
      message: `the input takes ${width} samples, not ${samples}`,
    };
  // The last run of a recording may have a single window.
  if (windows !== undefined && windows !== 1)
    yield { path, message: `takes ${windows} windows in each run: it must be dynamic or 1` };
  if (windows === 1 && block.windowsPerRun !== 1)
    yield {
      path: [...base, "windowsPerRun"],
      message: "must be 1: the input takes one window in each run",
    };
}

function* stateProblems(
  base: Problem["path"],
  block: RecurrentWindows,
  model: ModelContext,
): Generator<Problem> {
  for (const [index, names] of block.state.entries()) {
    const input = findSpec(model.inputs, names.input);
    const output = findSpec(model.outputs, names.output);
    const path = (field: "input" | "output") => [...base, "state", index, field];
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
  base: Problem["path"],
  { constants }: RecurrentWindows,
  model: ModelContext,
): Generator<Problem> {
  for (const [index, { input, value }] of constants.entries()) {
    const datatype = findSpec(model.inputs, input)?.datatype;
    if (!datatype) continue;
    if (datatype === "BYTES" || datatype === "BOOL") {
      const path = [...base, "constants", index, "input"];
      yield { path, message: `${JSON.stringify(input)} is ${datatype}, not a number` };
      continue;
    }
    if (!canHold(datatype, value))
      yield {
        path: [...base, "constants", index, "value"],
        message: `must be ${describeValues(datatype)}, as the input is ${datatype}`,
      };
  }
}
