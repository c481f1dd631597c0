import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../../src/domain/manifest.ts";
import type { Tensor } from "../../../../src/domain/tensor.ts";
import { counterfactualMethod } from "../../../../src/explain/counterfactual/counterfactual-method.ts";
import { exactMethod } from "../../../../src/explain/methods/exact-method.ts";
import { kernelMethod } from "../../../../src/explain/methods/kernel-method.ts";
import { limeMethod } from "../../../../src/explain/methods/lime-method.ts";
import { nearestMethod } from "../../../../src/explain/methods/nearest-method.ts";
import { permutationMethod } from "../../../../src/explain/methods/permutation-method.ts";
import { explain } from "../../../support/explained-tables.ts";
import { explainedVersion, floatTensor, rowsOf } from "../../../support/explained-version.ts";
import { findModel } from "../../../support/publish.ts";

/** Tables that are not as most are: other datatypes, missing values, one row or one column, nothing that differs. */

const METHODS = [
  exactMethod,
  kernelMethod,
  permutationMethod,
  limeMethod,
  nearestMethod,
  counterfactualMethod,
];
const SHAPLEY = [exactMethod, kernelMethod, permutationMethod];

/** NaN counts as -1, so that a missing value has an effect. */
function sums(inputs: readonly Tensor[]): number[] {
  return rowsOf(inputs).map((row) =>
    row.reduce((sum, value, column) => sum + (column + 1) * (Number.isNaN(value) ? -1 : value), 0),
  );
}

const classify = (inputs: readonly Tensor[]) => {
  const rows = sums(inputs);
  return [
    floatTensor(
      "probability",
      [rows.length, 1],
      rows.map((sum) => 1 / (1 + Math.exp(-sum / 10))),
    ),
  ];
};

function tableOf(
  datatype: "INT64" | "UINT8" | "BOOL" | "FP64" | "FP32",
  columns: readonly string[],
  rules: object = {},
): Manifest {
  const { manifest } = findModel("breast-cancer-mlp");
  const [input] = manifest.inputs;
  return {
    ...manifest,
    inputs: [{ ...input, name: "features", datatype, shape: ["batch", columns.length] }],
    preprocess: {
      type: "tabular",
      version: 1,
      input: "features",
      columns: [...columns],
      categories: {},
      missing: {},
      ...rules,
    },
  } as Manifest;
}

const of = (manifest: Manifest, background: readonly unknown[]) =>
  explainedVersion(
    { ...findModel("breast-cancer-mlp"), manifest },
    { background, compute: classify },
  );

describe.each(METHODS)("$name", (method) => {
  test.each([
    {
      datatype: "INT64" as const,
      row: [3, -4, 7],
      others: [
        [1, 2, 3],
        [-30, 0, 7],
        [5, -9, 20],
      ],
    },
    {
      datatype: "UINT8" as const,
      row: [3, 4, 7],
      others: [
        [1, 2, 3],
        [0, 0, 7],
        [5, 90, 200],
      ],
    },
    {
      datatype: "BOOL" as const,
      row: [true, false, true],
      others: [
        [false, false, false],
        [true, true, false],
      ],
    },
    {
      datatype: "FP64" as const,
      row: [0.1, 1e-9, 1e9],
      others: [
        [0.2, 1e-8, 1e8],
        [-0.5, -1e-9, -1e9],
      ],
    },
  ])("explains $datatype", async ({ datatype, row, others }) => {
    const version = await of(tableOf(datatype, ["a", "b", "c"]), others);
    const answer = await explain<{
      readonly data: unknown;
      readonly counterfactuals?: readonly { readonly data: readonly unknown[] }[];
    }>(method, version, row);
    expect(answer.data).toEqual(row);
    expect(JSON.stringify({ ...answer, seed: 0, std_error: [], note: "" })).not.toContain("null");
    for (const { data } of answer.counterfactuals ?? []) {
      if (datatype === "BOOL") expect(data.every((value) => typeof value === "boolean")).toBe(true);
      else if (datatype !== "FP64") expect(data.every(Number.isInteger)).toBe(true);
    }
  });

  test("explains a row with missing values, of categories and of numbers", async () => {
    const rules = { categories: { kind: ["x", "y"] }, missing: { kind: "nan", size: "nan" } };
    const manifest = tableOf("FP32", ["kind", "size"], rules);
    const version = await of(manifest, [
      ["x", 1],
      ["y", null],
      [null, 3],
      ["y", -2],
    ]);
    const { data } = await explain(method, version, { size: "NA" });
    expect(data).toEqual([null, null]);
    expect((await explain(method, version, ["y", 2.5])).data).toEqual(["y", 2.5]);
  });

  test("explains a table of one column by a background of one row", async () => {
    const version = await of(tableOf("FP32", ["only"]), [[1]]);
    const answer = await explain(method, version, [4]);
    expect(answer.runs).toBeGreaterThan(0);
  });
});

describe.each([...SHAPLEY, limeMethod])("$name", (method) => {
  test("of a row that is the background adds nothing", async () => {
    const version = await of(tableOf("FP32", ["a", "b"]), [
      [1, 2],
      [1, 2],
    ]);
    const parameters = method === limeMethod ? { sampling: "background" } : {};
    const answer = await explain(method, version, [1, 2], { parameters });
    expect(answer.values).toEqual([0, 0]);
    expect(answer.base_value).toBeCloseTo(answer.output as number, 12);
  });
});

describe.each(SHAPLEY)("$name", (method) => {
  test("explains the log-odds, of which the values are those of the linear function", async () => {
    const version = await of(tableOf("FP32", ["a", "b", "c"]), [
      [1, 2, 3],
      [5, 2, 1],
    ]);
    const { values, base_value } = await explain(method, version, [4, 2, -1], {
      space: "margin",
      output: 1,
    });
    // The sum of column times its number, a tenth of it; the mean of the background is [3, 2, 2].
    expect(values).toEqual([expect.closeTo(0.1, 5), 0, expect.closeTo(-0.9, 5)]);
    expect(base_value).toBeCloseTo((3 + 4 + 6) / 10, 5);
  });
});

test("integers that a double does not hold are refused", async () => {
  const version = await of(tableOf("INT64", ["a"]), [[1]]);
  await expect(explain(kernelMethod, version, [2n ** 60n])).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining("9007199254740991"),
  });
});
