import { expect, test } from "vitest";
import type { ErrorCode } from "../../../../src/domain/errors.ts";
import { Media } from "../../../../src/domain/media.ts";
import { type Tensor, type TensorSpec, toTypedArray } from "../../../../src/domain/tensor.ts";
import { createColumnsPreprocessor } from "../../../../src/tasks/tabular/columns-preprocessor.ts";
import { catchApiError } from "../../../support/errors.ts";
import { preprocess, preprocessAsync } from "../../../support/preprocess.ts";

const SPECS: readonly TensorSpec[] = [
  { name: "island", datatype: "BYTES", shape: [-1, 1] },
  { name: "measures", datatype: "FP32", shape: [-1, 2] },
  { name: "year", datatype: "INT64", shape: [-1] },
  { name: "tagged", datatype: "BOOL", shape: [-1, 1] },
  { name: "note", datatype: "BYTES", shape: [-1, 1] },
];

const specOf = (name: string): TensorSpec => {
  const spec = SPECS.find((each) => each.name === name);
  if (!spec) throw new Error(`no input ${name}`);
  return spec;
};

const birds = createColumnsPreprocessor(specOf, {
  columns: [
    { name: "bill", input: "measures", missing: "nan" },
    { name: "island", categories: ["Biscoe", "Dream", "NA"] },
    { name: "mass", input: "measures" },
    { name: "year" },
    { name: "tagged" },
    { name: "note", missing: "none given" },
  ],
});

const FIRST = { bill: 39.5, island: "Dream", mass: 3750, year: 2008, tagged: true, note: "" };
const SECOND = { bill: null, island: "NA", mass: 4000, year: 2009, tagged: false };

const valuesOf = (tensors: readonly Tensor[]): Record<string, [readonly number[], unknown[]]> =>
  Object.fromEntries(
    tensors.map((tensor) => [
      tensor.name,
      [tensor.shape, tensor.datatype === "BYTES" ? [...tensor.data] : [...toTypedArray(tensor)]],
    ]),
  );

const BOTH = {
  measures: [
    [2, 2],
    [39.5, 3750, Number.NaN, 4000],
  ],
  island: [
    [2, 1],
    ["Dream", "NA"],
  ],
  year: [[2], [2008n, 2009n]],
  tagged: [
    [2, 1],
    [1, 0],
  ],
  note: [
    [2, 1],
    ["", "none given"],
  ],
};

test.each<[string, unknown]>([
  ["objects", [FIRST, SECOND]],
  [
    "arrays in the order of the columns",
    [
      [39.5, "Dream", 3750, 2008, true, ""],
      [null, "NA", 4000, 2009, false, null],
    ],
  ],
])("%s become one tensor an input, with columns of a matrix in their order", (_, inputs) => {
  expect(valuesOf(preprocess(birds, inputs).tensors)).toEqual(BOTH);
});

test.each<[string, unknown]>([
  [
    "a table by columns",
    {
      data: {
        bill: ["39.5", ""],
        island: ["Dream", "NA"],
        mass: [3750, "4000"],
        year: ["2008", 2009],
        tagged: ["true", false],
        note: ["", null],
      },
    },
  ],
  [
    "CSV",
    new Media(
      "text/csv",
      new TextEncoder().encode(
        "year,island,bill,mass,tagged,note\n2008,Dream,39.5,3750,true,\n2009,NA,NaN,4e3,false,n/a\n",
      ),
    ),
  ],
])("numbers in %s may be texts, and spelled missing values follow the rule", async (_, inputs) => {
  const { tensors, form } = await preprocessAsync(birds, inputs);
  const note = [
    [2, 1],
    ["none given", "none given"],
  ];
  expect(form).toBe("list");
  expect(valuesOf(tensors)).toEqual({ ...BOTH, note });
});

test.each<[change: object, code: ErrorCode, message: string]>([
  [
    { island: "dream" },
    "invalid_input",
    'column "island" must be one of Biscoe, Dream, NA; got "dream"',
  ],
  [
    { island: null },
    "invalid_input",
    "a missing value, for which the model's manifest has no rule",
  ],
  [{ note: 5 }, "invalid_datatype", 'column "note" must be a text; got 5'],
  [{ year: 2008.5 }, "value_out_of_range", 'column "year" must be an integer'],
  [{ tagged: "yes" }, "invalid_datatype", 'column "tagged" must be true or false'],
  [{ wing: 1 }, "invalid_input", 'unknown: "wing"'],
])("a row with %j is refused with %s", (change, code, message) => {
  const error = catchApiError(code, () => preprocess(birds, [FIRST, { ...FIRST, ...change }]));
  expect(error.message).toContain(message);
  expect(error.message).toContain("inputs[1]");
});
