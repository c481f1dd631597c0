import { describe, expect, test } from "vitest";
import type { TaskKind } from "../../../src/domain/task-kinds.ts";
import type { Tensor, TensorSpec } from "../../../src/domain/tensor.ts";
import { toBytes } from "../../../src/domain/tensor.ts";
import type { ProposalInput } from "../../../src/registry/proposals/proposal.ts";
import { propose } from "../../../src/registry/proposals/propose.ts";
import { rejectedApiError } from "../../support/errors.ts";

const INPUT: TensorSpec = { name: "pixels", datatype: "FP32", shape: ["batch", 3, 8, 12] };

const output = (
  shape: TensorSpec["shape"],
  datatype: TensorSpec["datatype"] = "FP32",
): TensorSpec => ({
  name: "y",
  datatype,
  shape,
});

const result = (shape: readonly number[], value: (at: number) => number): Tensor => ({
  name: "y",
  datatype: "FP32",
  shape,
  data: toBytes(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => value(at)),
  ),
});

const classesOf = (shape: readonly number[], value: (at: number) => number): Tensor => ({
  name: "y",
  datatype: "INT64",
  shape,
  data: toBytes(
    BigInt64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => BigInt(value(at))),
  ),
});

function proposed(
  task: TaskKind,
  spec: TensorSpec,
  run: Tensor,
  changes: Partial<ProposalInput> = {},
) {
  return propose(task, {
    id: { name: "m", version: "1" },
    model: { inputs: [INPUT], outputs: [spec] },
    config: {},
    labels: undefined,
    context: undefined,
    probe: async () => [run],
    vocabularySize: async () => undefined,
    ...changes,
  } as ProposalInput);
}

describe("image-segmentation is proposed", () => {
  test("of logits, with labels of config.json and its background ignored", async () => {
    const config = { config: { id2label: { "0": "background", "1": "cat", "2": "dog" } } };
    const found = await proposed(
      "image-segmentation",
      output(["batch", 3, "h", "w"]),
      result([1, 3, 4, 6], (at) => at % 5),
      { config: config as ProposalInput["config"] },
    );
    expect(found.postprocess).toMatchObject({
      type: "image-segmentation",
      output: "y",
      form: "logits",
      layout: "NCHW",
      activation: "softmax",
      ignoreLabels: ["background"],
    });
    expect(found.labels).toEqual(["background", "cat", "dog"]);
    expect(found.preprocess).toMatchObject({ resize: { mode: "exact", width: 12, height: 8 } });
    expect(found.notes.join("\n")).toContain("background gets no mask, by its name");
  });

  test("of probabilities with the labels last", async () => {
    const found = await proposed(
      "image-segmentation",
      output([1, 8, 12, 2]),
      result([1, 8, 12, 2], (at) => (at % 2 === 0 ? 0.25 : 0.75)),
    );
    expect(found.postprocess).toMatchObject({ form: "logits", layout: "NHWC", activation: "none" });
    expect(found.labels).toEqual(["0", "1"]);
  });

  test("of one matte, whose values say whether it needs a sigmoid", async () => {
    const shape = output(["batch", 1, 8, 12]);
    const [fractions, logits] = await Promise.all(
      [0.1, 3].map((step) =>
        proposed(
          "image-segmentation",
          shape,
          result([1, 1, 8, 12], (at) => (at % 5) * step),
        ),
      ),
    );
    expect(fractions?.postprocess).toMatchObject({ form: "mattes", activation: "none" });
    expect(logits?.postprocess).toMatchObject({ form: "mattes", activation: "sigmoid" });
    expect(logits?.labels).toEqual(["foreground"]);
  });

  test("of labels of pixels", async () => {
    const found = await proposed(
      "image-segmentation",
      output(["batch", 8, 12], "INT64"),
      classesOf([1, 8, 12], (at) => at % 4),
    );
    expect(found.postprocess).toMatchObject({ form: "classes", activation: "none" });
    expect(found.labels).toEqual(["0", "1", "2", "3"]);
  });

  test("never of a row of scores, which is said", async () => {
    const error = await rejectedApiError(
      "invalid_model",
      proposed(
        "image-segmentation",
        output(["batch", 3]),
        result([1, 3], () => 0),
      ),
    );
    expect(error.message).toContain("it has no output with planes of shape");
  });
});
