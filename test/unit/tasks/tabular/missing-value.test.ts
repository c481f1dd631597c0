import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import { Media } from "../../../../src/domain/media.ts";
import { type NumericTensor, toTypedArray } from "../../../../src/domain/tensor.ts";
import { createTabularPreprocessor } from "../../../../src/tasks/tabular/tabular-preprocessor.ts";
import { catchApiError } from "../../../support/errors.ts";
import { preprocess } from "../../../support/preprocess.ts";

/** Spellings of missing values; those of pandas are read by pandas itself (missing.py). */
const pandas: Record<"missing" | "infinite" | "neither", string[]> = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "tables", "missing.json"), "utf8"),
);
const SPELLED = [
  ...pandas.missing,
  ...pandas.infinite,
  ...[
    "NAN",
    "+NaN",
    "NONE",
    " NaN ",
    " ",
    "\t-inf",
    "1.#INF",
    "-1.#IND",
    "1.#INF00",
    "-1.#QNAN0",
    "-nan(ind)",
    "NaN(0x7ff8)",
    "1e400",
    "9".repeat(400),
  ],
];
const JSON_VALUES = [null, ...["1e999", "-1e999", `1${"0".repeat(400)}`].map((n) => JSON.parse(n))];

const spec = { name: "x", datatype: "FP32", shape: ["batch", 2] } as const;
const columns = ["width", "height"];
const strict = createTabularPreprocessor(spec, { columns, categories: {}, missing: {} });
const lenient = createTabularPreprocessor(spec, {
  columns,
  categories: {},
  missing: { width: -7, height: "nan" },
});
const csv = (cell: string): Media =>
  new Media("text/csv", new TextEncoder().encode(`width,height\n1,2\n"${cell}","${cell}"\n`));
const read = (inputs: unknown): number[] => {
  const [tensor] = preprocess(lenient, inputs).tensors;
  return [...toTypedArray(tensor as NumericTensor)].map(Number);
};

describe.each([...SPELLED, ...JSON_VALUES])("the missing value %j", (value) => {
  test("is refused with row and column in a column without a rule", () => {
    const row = catchApiError("invalid_input", () =>
      preprocess(strict, [
        [1, 2],
        [3, value],
      ]),
    );
    expect(row.message).toContain('inputs[1], column "height" must be a number; got ');
    const named = catchApiError("invalid_input", () =>
      preprocess(strict, { width: value, height: 1 }),
    );
    expect(named.message).toContain('inputs, column "width" must be a number; got ');
    const table = { width: [1, value], height: [2, 3] };
    const column = catchApiError("invalid_input", () => preprocess(strict, table));
    expect(column.message).toContain('row 2, column "width" must be a number; got ');
  });

  test("becomes the number of the rule", () => {
    expect(read([[value, value]])).toEqual([-7, Number.NaN]);
    expect(read({ width: [1, value], height: [value, 2] })).toEqual([1, Number.NaN, -7, 2]);
  });
});

test.each(SPELLED)("the missing value %j is the same in CSV", (cell) => {
  const text = csv(cell);
  const error = catchApiError("invalid_input", () => preprocess(strict, text));
  expect(error.message).toContain('row 2, column "width" must be a number; got ');
  expect(read(text)).toEqual([1, 2, -7, Number.NaN]);
});

test.each([...pandas.neither, "NaNs", "N/A N/A", "in f", "--inf", "1e", "1e9999x"])(
  "%j is no missing value",
  (text) => {
    for (const inputs of [csv(text), [[1, text]], { width: [text], height: [1] }])
      for (const preprocessor of [strict, lenient])
        expect(
          catchApiError("invalid_datatype", () => preprocess(preprocessor, inputs)).message,
        ).toContain("must be a number; got ");
  },
);

test("a category that is spelled as a missing value is a category", () => {
  const countries = createTabularPreprocessor(
    { name: "x", datatype: "INT64", shape: ["batch", 1] },
    {
      columns: ["country"],
      categories: { country: ["DE", "NA", "None"] },
      missing: { country: -1 },
    },
  );
  const codes = (inputs: unknown): bigint[] => {
    const [tensor] = preprocess(countries, inputs).tensors;
    return [...toTypedArray(tensor as NumericTensor)] as bigint[];
  };
  expect(codes([["NA"], ["None"], ["na"], ["none"], [null], ["NaN"]])).toEqual([
    1n,
    2n,
    -1n,
    -1n,
    -1n,
    -1n,
  ]);
  const text = new TextEncoder().encode("country\nNA\nNone\nn/a\n#N/A\nDE\n");
  expect(codes(new Media("text/csv", text))).toEqual([1n, 2n, -1n, -1n, 0n]);
});

test.each<["INT64" | "INT32" | "BOOL" | "FP64" | "FP16", string]>([
  ["INT64", "an integer from -9223372036854775808 to 9223372036854775807"],
  ["INT32", "an integer from -2147483648 to 2147483647"],
  ["BOOL", "true or false"],
  ["FP64", "a number"],
  ["FP16", "a number"],
])("a column of %s without a rule refuses NaN and infinity", (datatype, expected) => {
  const preprocessor = createTabularPreprocessor(
    { name: "x", datatype, shape: ["batch", 1] },
    { columns: ["a"], categories: {}, missing: {} },
  );
  for (const value of ["NaN", "-Infinity", "1e999", null, Number.POSITIVE_INFINITY]) {
    const error = catchApiError("invalid_input", () => preprocess(preprocessor, [[value]]));
    expect(error.message).toContain(`inputs[0], column "a" must be ${expected}; got `);
  }
});
