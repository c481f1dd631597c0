import { expect, test } from "vitest";
import type { ErrorCode } from "../../../../src/domain/errors.ts";
import { type NumericTensor, toTypedArray } from "../../../../src/domain/tensor.ts";
import { createTabularPreprocessor } from "../../../../src/tasks/tabular/tabular-preprocessor.ts";
import { catchApiError } from "../../../support/errors.ts";
import { preprocess } from "../../../support/preprocess.ts";

/** Tables by columns, the form of Hugging Face's tabular tasks. */

const birds = createTabularPreprocessor(
  { name: "features", datatype: "FP32", shape: ["batch", 3] },
  {
    columns: ["island", "mass", "length"],
    categories: { island: ["Biscoe", "Dream"] },
    missing: { mass: -1 },
  },
);

const ROWS = [
  ["Dream", 3750, 40.5],
  ["Biscoe", null, 38],
];
const COLUMNS = { island: ["Dream", "Biscoe"], mass: [3750, null], length: [40.5, 38] };

const read = (inputs: unknown) => {
  const { form, tensors } = preprocess(birds, inputs);
  return { form, values: [...toTypedArray(tensors[0] as NumericTensor)] };
};

test.each<[string, unknown]>([
  ["under data", { data: COLUMNS }],
  ["alone", COLUMNS],
  ["in another order", { length: COLUMNS.length, mass: COLUMNS.mass, island: COLUMNS.island }],
  ["with numbers as texts", { data: { ...COLUMNS, mass: ["3750", ""], length: ["40.5", "38"] } }],
])("a table by columns, %s, is the same as its rows", (_, inputs) => {
  expect(read(inputs)).toEqual(read(ROWS));
});

test("a table by columns of one row is a list of one row", () => {
  expect(read({ data: { island: ["Dream"], mass: [1], length: [2] } })).toEqual({
    form: "list",
    values: [1, 1, 2],
  });
});

test("a column with a rule for missing values may be left out of a table by columns", () => {
  expect(read({ island: ["Dream", "Biscoe"], length: [1, 2] }).values).toEqual([
    1, -1, 1, 0, -1, 2,
  ]);
});

test("a column named data is one of the model's", () => {
  const preprocessor = createTabularPreprocessor(
    { name: "x", datatype: "FP64", shape: ["batch", 1] },
    { columns: ["data"], categories: {}, missing: {} },
  );
  for (const inputs of [{ data: [1, 2] }, { data: { data: [1, 2] } }, [{ data: 1 }, { data: 2 }]]) {
    const [tensor] = preprocess(preprocessor, inputs).tensors;
    expect([...toTypedArray(tensor as NumericTensor)]).toEqual([1, 2]);
  }
});

test.each<[inputs: unknown, code: ErrorCode, message: string]>([
  [
    { data: { ...COLUMNS, length: [1] } },
    "invalid_shape",
    'inputs.data must have lists of the same length: column "island" has 2 values, column "length" has 1',
  ],
  [{ ...COLUMNS, mass: [] }, "invalid_shape", 'column "mass" has 0'],
  [
    { ...COLUMNS, mass: 5 },
    "invalid_input",
    'inputs, column "mass" must be a list of values, one for each row; got 5',
  ],
  [
    { ...COLUMNS, length: null },
    "invalid_input",
    'column "length" must be a list of values, one for each row; got null',
  ],
  [{ data: { island: ["Dream"] } }, "invalid_input", "missing: length; and no others"],
  [{ data: { ...COLUMNS, toString: [1, 2] } }, "invalid_input", 'unknown: "toString"'],
  [{ data: COLUMNS, columns: [] }, "invalid_input", 'unknown: "columns"'],
  [{ data: {} }, "invalid_input", "missing: island, length"],
  [{ data: { island: [], length: [] } }, "invalid_input", "inputs.data has no row"],
  [
    { data: { ...COLUMNS, length: [1, "x"] } },
    "invalid_datatype",
    'row 2, column "length" must be a number; got "x"',
  ],
  [
    { data: { ...COLUMNS, island: ["Dream", "Oslo"] } },
    "invalid_input",
    'row 2, column "island" must be one of Biscoe, Dream; got "Oslo"',
  ],
  [
    JSON.parse('{"data": {"island": ["Dream"], "length": [1], "__proto__": [1]}}'),
    "invalid_input",
    'unknown: "__proto__"',
  ],
  [
    { island: Array(166_667).fill("Dream"), length: Array(166_667).fill(1) },
    "invalid_input",
    "inputs has 166667 rows: a request may have 166666 at most",
  ],
])("the table by columns %# is refused", (inputs, code, message) => {
  expect(catchApiError(code, () => read(inputs)).message).toContain(message);
});
