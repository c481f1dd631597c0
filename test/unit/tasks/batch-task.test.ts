import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { createCall } from "../../../src/domain/call.ts";
import { Media } from "../../../src/domain/media.ts";
import {
  type NumericTensor,
  type Tensor,
  toBytes,
  toTypedArray,
} from "../../../src/domain/tensor.ts";
import { createBatchTask } from "../../../src/tasks/batch-task.ts";
import type { Postprocessor } from "../../../src/tasks/postprocessor.ts";
import {
  type ItemMetadata,
  type Preprocessor,
  splitList,
} from "../../../src/tasks/preprocessor.ts";
import type { ModelSet } from "../../../src/tasks/task.ts";
import { rejectedApiError } from "../../support/errors.ts";

interface ItemPath extends ItemMetadata {
  readonly path: string;
}

/** A task of numbers, which its model doubles; a prediction contains the name of its item. */
function createTask(maxBatch: number, isAsync = false) {
  const preprocessor: Preprocessor<z.ZodObject<{ shift: z.ZodDefault<z.ZodNumber> }>> = {
    mediaTypes: ["text/plain"],
    parameters: z.strictObject({ shift: z.number().default(0) }),
    maxBatch,
    split: (inputs) => splitList(inputs, () => undefined),
    toTensors(items, { parameters: { shift } }) {
      const values = items.map(({ value }) =>
        value instanceof Media ? Number(new TextDecoder().decode(value.bytes)) : Number(value),
      );
      const preprocessed = {
        tensors: [toTensor(values.map((value) => value + shift))],
        metadata: items.map(({ path }): ItemPath => ({ kind: "path", path })),
      };
      return isAsync ? Promise.resolve(preprocessed) : preprocessed;
    },
  };
  const postprocessor: Postprocessor<z.ZodObject<{ suffix: z.ZodDefault<z.ZodString> }>> = {
    outputs: ["doubled"],
    parameters: z.strictObject({ suffix: z.string().default("") }),
    toPredictions([result], metadata, { suffix }) {
      const values = Array.from(toTypedArray(result as NumericTensor), Number);
      return values.map(
        (value, index) => `${(metadata[index] as ItemPath).path}: ${value}${suffix}`,
      );
    },
  };
  const run = vi.fn<ModelSet["infer"]>(async ([input], outputs) => {
    expect(outputs).toEqual(["doubled"]);
    const values = Array.from(toTypedArray(input as NumericTensor), Number);
    return [toTensor(values.map((value) => value * 2))];
  });
  const task = createBatchTask(preprocessor, postprocessor);
  const predict = (inputs: unknown, parameters = {}) =>
    task.execute({ inputs, parameters }, { infer: run, lease: unused }, createCall());
  return { predict, run };
}

function unused(): never {
  throw new Error("a batch task leases no model");
}

function toTensor(values: readonly number[]): Tensor {
  const data = toBytes(Float64Array.from(values));
  return { name: "x", datatype: "FP64", shape: [values.length], data };
}

describe.each([
  ["synchronously", false],
  ["asynchronously", true],
])("with a preprocessor that works %s", (_, isAsync) => {
  test("one item has its own prediction as the result", async () => {
    const { predict } = createTask(8, isAsync);
    expect(await predict(5)).toEqual({ kind: "value", value: "inputs: 10", form: "one" });
  });

  test.each([
    [8, 1],
    [3, 1],
    [2, 2],
    [1, 3],
  ])(
    "the predictions for a list are in its order, %i at a time in %i runs",
    async (maxBatch, runs) => {
      const { predict, run } = createTask(maxBatch, isAsync);
      expect(await predict([1, 2, 3])).toEqual({
        kind: "value",
        value: ["inputs[0]: 2", "inputs[1]: 4", "inputs[2]: 6"],
        form: "list",
      });
      expect(run).toHaveBeenCalledTimes(runs);
    },
  );

  test("media of the listed types are accepted, alone and in a list", async () => {
    const { predict } = createTask(8, isAsync);
    const media = new Media("text/plain; charset=utf-8", new TextEncoder().encode("7"));
    expect(await predict(media)).toMatchObject({ kind: "value", value: "inputs: 14" });
    expect(await predict([media, 1])).toMatchObject({
      kind: "value",
      value: ["inputs[0]: 14", "inputs[1]: 2"],
    });
  });

  test("the preprocessor and the postprocessor get their parameters", async () => {
    const { predict } = createTask(8, isAsync);
    expect(await predict(1, { shift: 2, suffix: "!" })).toMatchObject({
      kind: "value",
      value: "inputs: 6!",
    });
  });
});

test("other media are refused before anything is run", async () => {
  const { predict, run } = createTask(8);
  const image = new Media("image/png", new Uint8Array(3));
  for (const inputs of [image, [1, image]]) {
    const error = await rejectedApiError("unsupported_media_type", predict(inputs));
    expect(error.message).toContain(
      "takes no image/png; got 3 bytes that begin with 00 00 00: send application/json or text/plain",
    );
  }
  expect(run).not.toHaveBeenCalled();
});

test.each([{ shift: "2" }, { suffix: 2 }, { other: 1 }])(
  "the parameters %j are refused before anything is run",
  async (parameters) => {
    const { predict, run } = createTask(8);
    const error = await rejectedApiError("invalid_request", predict(1, parameters));
    expect(error.message).toContain(Object.keys(parameters)[0]);
    expect(error.message).toContain("(it takes shift, suffix)");
    expect(run).not.toHaveBeenCalled();
  },
);

test("a model that returns another batch size than its input is an error of its task", async () => {
  const { predict, run } = createTask(8);
  run.mockResolvedValue([toTensor([1])]);
  const error = await rejectedApiError("task_not_supported", predict([1, 2]));
  expect(error.message).toMatch(/"x" is FP64 \[1\].*a batch of 2/);
});

test("an empty list is refused", async () => {
  const error = await rejectedApiError("invalid_input", createTask(8).predict([]));
  expect(error.message).toContain('"inputs" is an empty list');
});
