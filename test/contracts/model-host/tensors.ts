import { beforeAll, expect, test } from "vitest";
import {
  DATATYPES,
  NUMERIC_DATATYPES,
  type NumericDatatype,
} from "../../../src/domain/datatype.ts";
import { sum } from "../../support/awkward-models.ts";
import { type HostClient, numeric, sha256Of } from "../../support/hosts.ts";
import type { Graph } from "../../support/onnx-builder.ts";
import { store } from "../../support/stored-model.ts";

const NUMERIC = DATATYPES.filter((datatype) => datatype !== "BYTES");

/** `y = x`, `z = x`, of any datatype: what ONNX says of Identity. */
function identity(datatype: (typeof DATATYPES)[number]): Graph {
  return {
    inputs: [{ name: "x", datatype, shape: ["n", "m"] }],
    outputs: [
      { name: "y", datatype, shape: ["n", "m"] },
      { name: "z", datatype, shape: ["n", "m"] },
    ],
    nodes: [
      { op: "Identity", inputs: ["x"], outputs: ["y"] },
      { op: "Identity", inputs: ["x"], outputs: ["z"] },
    ],
  };
}

/** Bytes that differ from each other, with NaN, infinities and the largest integers among the numbers. */
function pattern(datatype: NumericDatatype, elements: number): Uint8Array {
  const bytes = new Uint8Array(elements * NUMERIC_DATATYPES[datatype].elementBytes);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = datatype === "BOOL" ? i % 2 : i < 8 ? 255 : (i * 37) % 256;
  return bytes;
}

const LARGE_BYTES = 40_000_000;

/** How tensors come through: every datatype, any size. */
export function testHostTensors(hostOf: () => HostClient): void {
  beforeAll(async () => {
    const { bucket } = hostOf().service;
    for (const datatype of DATATYPES)
      await store(bucket, `identity-${datatype.toLowerCase()}`, identity(datatype));
    await store(bucket, "plus-one", sum(1));
  });

  test.each(NUMERIC)("%s keeps every bit", async (datatype) => {
    const name = `identity-${datatype.toLowerCase()}`;
    const data = Buffer.from(pattern(datatype, 6)).toString("base64");
    const tensor = { datatype, shape: [2, 3], data };
    const { tensors, error } = await hostOf().infer({ name, tensors: [{ name: "x", ...tensor }] });
    expect([error, tensors]).toEqual([
      undefined,
      [
        { name: "y", ...tensor },
        { name: "z", ...tensor },
      ],
    ]);
  });

  test.each([
    [
      "strings with NUL, of other scripts, and empty ones",
      [2, 2],
      ["a\0b", "naïve ☃ 𝄞", "", "\ufeffx"],
    ],
    ["a long string", [1, 1], ["ä".repeat(300_000)]],
    [
      "strings that are too many for one message",
      [1, 26],
      Array<string>(26).fill("ab".repeat(260_000)),
    ],
    ["no string", [0, 3], []],
  ])("BYTES keeps %s", async (_, shape, data) => {
    const tensor = { datatype: "BYTES", shape, data } as const;
    const { tensors, error } = await hostOf().infer({
      name: "identity-bytes",
      tensors: [{ name: "x", ...tensor }],
    });
    expect(error).toBeUndefined();
    expect(tensors).toEqual([
      { name: "y", ...tensor },
      { name: "z", ...tensor },
    ]);
  });

  test("a tensor without elements keeps its shape", async () => {
    const tensor = { datatype: "FP32", shape: [3, 0], data: "" } as const;
    const { tensors } = await hostOf().infer({
      name: "identity-fp32",
      tensors: [{ name: "x", ...tensor }],
    });
    expect(tensors).toEqual([
      { name: "y", ...tensor },
      { name: "z", ...tensor },
    ]);
  });

  test.each([[["z", "y"]], [["z"]], [["y"]]])(
    "the outputs %j come in the requested order",
    async (outputs) => {
      const { tensors = [] } = await hostOf().infer({
        name: "identity-fp32",
        tensors: [numeric("x", "FP32", [1, 1], [2])],
        outputs,
      });
      expect(tensors.map(({ name }) => name)).toEqual(outputs);
    },
  );

  test("tensors of 40 MB, more than one message may have, come through in both directions", async () => {
    const sizeBytes = LARGE_BYTES;
    const shape = [sizeBytes / 4];
    const { tensors, error } = await hostOf().infer({
      name: "plus-one",
      tensors: [{ name: "x", datatype: "FP32", shape, data: { fill: 0, sizeBytes } }],
    });
    const ones = new Uint8Array(new Float32Array(sizeBytes / 4).fill(1).buffer);
    const data = { sha256: sha256Of(ones), sizeBytes };
    expect([error, tensors]).toEqual([undefined, [{ name: "y", datatype: "FP32", shape, data }]]);
  });
}
