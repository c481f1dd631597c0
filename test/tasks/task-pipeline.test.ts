import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { RequestTrace } from "../../src/domain/event.ts";
import { Media } from "../../src/domain/media.ts";
import { type NumericTensor, type Tensor, toBytes, toTypedArray } from "../../src/domain/tensor.ts";
import type { Decoder } from "../../src/tasks/decoder.ts";
import { type Encoder, type ItemNote, splitList } from "../../src/tasks/encoder.ts";
import { createBatchPipeline, type Run } from "../../src/tasks/task-pipeline.ts";
import { rejectedApiError } from "../support/errors.ts";

interface Note extends ItemNote {
  readonly place: string;
}

/** Numbers, which the "model" doubles; answers tell where each came from. */
function createPipeline(maxBatch: number, isAsync = false) {
  const encoder: Encoder<z.ZodObject<{ shift: z.ZodDefault<z.ZodNumber> }>> = {
    mediaTypes: ["text/plain"],
    parameters: z.strictObject({ shift: z.number().default(0) }),
    maxBatch,
    split: splitList,
    encode(items, { parameters: { shift } }) {
      const values = items.map(({ value }) =>
        value instanceof Media ? Number(new TextDecoder().decode(value.bytes)) : Number(value),
      );
      const encoded = {
        tensors: [toTensor(values.map((value) => value + shift))],
        notes: items.map(({ place }): Note => ({ kind: "place", place })),
      };
      return isAsync ? Promise.resolve(encoded) : encoded;
    },
  };
  const decoder: Decoder<z.ZodObject<{ suffix: z.ZodDefault<z.ZodString> }>> = {
    outputs: ["doubled"],
    parameters: z.strictObject({ suffix: z.string().default("") }),
    decode([result], notes, { suffix }) {
      const values = toTypedArray(result as NumericTensor);
      return notes.map((note, index) => `${(note as Note).place}: ${values[index]}${suffix}`);
    },
  };
  const run = vi.fn<Run>(async ([input], outputs) => {
    expect(outputs).toEqual(["doubled"]);
    const values = Array.from(toTypedArray(input as NumericTensor), Number);
    return [toTensor(values.map((value) => value * 2))];
  });
  const pipeline = createBatchPipeline(encoder, decoder);
  const predict = (inputs: unknown, parameters = {}) =>
    pipeline.predict({ inputs, parameters }, run, new RequestTrace());
  return { predict, run };
}

function toTensor(values: readonly number[]): Tensor {
  const data = toBytes(Float64Array.from(values));
  return { name: "x", datatype: "FP64", shape: [values.length], data };
}

describe.each([
  ["at once", false],
  ["later", true],
])("an encoder that answers %s", (_, isAsync) => {
  test("answers one item by its answer", async () => {
    const { predict } = createPipeline(8, isAsync);
    expect(await predict(5)).toEqual({ answer: "inputs: 10", form: "one" });
  });

  test.each([
    [8, 1],
    [3, 1],
    [2, 2],
    [1, 3],
  ])("answers a list in its order, %i at a time in %i runs", async (maxBatch, runs) => {
    const { predict, run } = createPipeline(maxBatch, isAsync);
    expect(await predict([1, 2, 3])).toEqual({
      answer: ["inputs[0]: 2", "inputs[1]: 4", "inputs[2]: 6"],
      form: "list",
    });
    expect(run).toHaveBeenCalledTimes(runs);
  });

  test("takes media that it lists, alone and in a list", async () => {
    const { predict } = createPipeline(8, isAsync);
    const media = new Media("text/plain; charset=utf-8", new TextEncoder().encode("7"));
    expect(await predict(media)).toMatchObject({ answer: "inputs: 14" });
    expect(await predict([media, 1])).toMatchObject({ answer: ["inputs[0]: 14", "inputs[1]: 2"] });
  });

  test("gives the encoder and the decoder their parameters", async () => {
    const { predict } = createPipeline(8, isAsync);
    expect(await predict(1, { shift: 2, suffix: "!" })).toMatchObject({ answer: "inputs: 6!" });
  });
});

test("other media are refused before anything is run", async () => {
  const { predict, run } = createPipeline(8);
  const image = new Media("image/png", new Uint8Array(3));
  for (const inputs of [image, [1, image]]) {
    const error = await rejectedApiError("unsupported_media_type", predict(inputs));
    expect(error.message).toContain("takes no image/png: send application/json or text/plain");
  }
  expect(run).not.toHaveBeenCalled();
});

test.each([{ shift: "2" }, { suffix: 2 }, { other: 1 }])(
  "the parameters %j are refused before anything is run",
  async (parameters) => {
    const { predict, run } = createPipeline(8);
    const error = await rejectedApiError("invalid_request", predict(1, parameters));
    expect(error.message).toContain(Object.keys(parameters)[0]);
    expect(error.message).toContain("(it takes shift, suffix)");
    expect(run).not.toHaveBeenCalled();
  },
);

test("an empty list has no answer", async () => {
  const error = await rejectedApiError("invalid_input", createPipeline(8).predict([]));
  expect(error.message).toContain('"inputs" is an empty list');
});
