import { describe, expect, test } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import type { ErrorCode } from "../../../../src/domain/errors.ts";
import { Media } from "../../../../src/domain/media.ts";
import { type NumericTensor, toTypedArray } from "../../../../src/domain/tensor.ts";
import { MAX_VALUES } from "../../../../src/tasks/preprocessor.ts";
import { createTabularPreprocessor } from "../../../../src/tasks/tabular/tabular-preprocessor.ts";
import { catchApiError } from "../../../support/errors.ts";
import { preprocess, preprocessAsync } from "../../../support/preprocess.ts";

const spec = { name: "features", datatype: "FP32", shape: ["batch", 2] } as const;
const preprocessor = createTabularPreprocessor(spec, {
  columns: ["width", "height"],
  categories: {},
  missing: {},
});
const encode = (inputs: unknown) => preprocess(preprocessor, inputs);

test.each([
  ["a row", [1, 2], [1, 2], false],
  ["an object, in any order", { height: 2, width: 1 }, [1, 2], false],
  [
    "a list of rows",
    [
      [1, 2],
      [3, 4],
    ],
    [1, 2, 3, 4],
    true,
  ],
  ["a list of one row", [[1, 2]], [1, 2], true],
  ["a list of objects", [{ width: 1, height: 2 }], [1, 2], true],
  ["a mixed list", [[1, 2], { height: 4, width: 3 }], [1, 2, 3, 4], true],
])("%s is accepted", (_, inputs, data, batched) => {
  const preprocessed = encode(inputs);
  expect(preprocessed.form).toBe(batched ? "list" : "one");
  const [tensor] = preprocessed.tensors as NumericTensor[];
  expect(tensor).toMatchObject({
    name: "features",
    datatype: "FP32",
    shape: [data.length / 2, 2],
  });
  expect(tensor && [...toTypedArray(tensor)]).toEqual(data);
});

test.each<[inputs: unknown, code: ErrorCode, message: string]>([
  [[], "invalid_shape", "inputs has 0 values, but the model takes 2: width, height"],
  [[1], "invalid_shape", "inputs has 1 values, but the model takes 2"],
  [[1, 2, 3], "invalid_shape", "inputs has 3 values"],
  [[[1, 2], [3]], "invalid_shape", "inputs[1] has 1 values"],
  [5, "invalid_input", "inputs must be a row of 2 values (width, height)"],
  ["1,2", "invalid_input", 'got "1,2"'],
  [null, "invalid_input", "got null"],
  [[[1, 2], 3], "invalid_input", "inputs[1] must be a row of 2 values"],
  [[[1, 2], null], "invalid_input", "inputs[1] must be a row of 2 values"],
  [{ width: 1 }, "invalid_input", "missing: height;"],
  [{ width: 1, heigth: 2 }, "invalid_input", 'missing: height; unknown: "heigth";'],
  [JSON.parse('{"width":1,"height":2,"__proto__":3}'), "invalid_input", 'unknown: "__proto__";'],
  [{}, "invalid_input", "missing: width, height;"],
  [[1, "2"], "invalid_datatype", 'inputs, column "height" must be a number; got "2"'],
  [[1, null], "invalid_input", "got null, a missing value"],
  [[1, 1e39], "value_out_of_range", 'inputs, column "height" must be a number from -3.'],
])("%j is refused", (inputs, code, message) => {
  expect(catchApiError(code, () => encode(inputs)).message).toContain(message);
});

describe("a table with categories and missing values", () => {
  const birds = createTabularPreprocessor(
    { name: "features", datatype: "FP32", shape: ["batch", 3] },
    {
      columns: ["island", "mass", "sex"],
      categories: { island: ["Biscoe", "Dream", "NA"], sex: ["female", "male"] },
      missing: { mass: "nan", sex: -1 },
    },
  );
  const read = (inputs: unknown, parameters: object = {}) => {
    const { form, tensors } = preprocess(birds, inputs, parameters);
    return { form, values: [...toTypedArray(tensors[0] as NumericTensor)] };
  };
  const csv = (text: string) => new Media("text/csv", new TextEncoder().encode(text));

  test.each<[name: string, row: unknown, values: number[]]>([
    ["in order", ["Dream", 3750, "male"], [1, 3750, 1]],
    ["by name", { sex: "female", mass: 1, island: "Biscoe" }, [0, 1, 0]],
    ["with null", ["Biscoe", null, null], [0, Number.NaN, -1]],
    ["with empty texts", ["Biscoe", "", ""], [0, Number.NaN, -1]],
    ["with names left out", { island: "NA" }, [2, Number.NaN, -1]],
    ["with a float that JSON cannot write", ["Biscoe", "NaN", "male"], [0, Number.NaN, 1]],
  ])("has rows %s", (_, row, values) => {
    expect(read(row)).toEqual({ form: "one", values });
    expect(read([row, row])).toEqual({ form: "list", values: [...values, ...values] });
  });

  test.each<[row: unknown, code: ErrorCode, message: string]>([
    [
      ["Torgersen", 1, "male"],
      "invalid_input",
      'column "island" must be one of Biscoe, Dream, NA; got "Torgersen"',
    ],
    [[1, 1, "male"], "invalid_input", "must be one of Biscoe, Dream, NA; got 1"],
    [[null, 1, "male"], "invalid_input", 'column "island" must be one of'],
    [["Dream", 1, { toString: 1 }], "invalid_input", "must be one of female, male; got an object"],
    [["Dream", 1, ["male"]], "invalid_input", "must be one of female, male; got an array of 1"],
    [{ mass: 1, sex: "male" }, "invalid_input", "missing: island;"],
    [
      ["Biscoe", "heavy", "male"],
      "invalid_datatype",
      'column "mass" must be a number; got "heavy"',
    ],
    [["Biscoe", "3", "male"], "invalid_datatype", 'must be a number; got "3"'],
    [["Biscoe", true, "male"], "invalid_datatype", "must be a number; got true"],
    [["Biscoe", 1e300, "male"], "value_out_of_range", 'column "mass"'],
  ])("refuses %j", (row, code, message) => {
    expect(catchApiError(code, () => read(row)).message).toContain(message);
    const second = catchApiError(code, () => read([["Biscoe", 1, "male"], row]));
    expect(second.message).toContain("inputs[1]");
  });

  test.each<[name: string, text: string, values: number[], parameters?: object]>([
    ["in order", "island,mass,sex\nDream,3750,male\n", [1, 3750, 1]],
    ["in another order", "sex,island,mass\nmale,Dream,3.75e3", [1, 3750, 1]],
    [
      "without a header",
      "Dream,-0.5,male\nBiscoe,.5,female",
      [1, -0.5, 1, 0, 0.5, 0],
      { header: false },
    ],
    [
      "with what is missing",
      "island,mass,sex\nNA,NA,\nDream,,nan",
      [2, Number.NaN, -1, 1, Number.NaN, -1],
    ],
    ["without columns that may be missing", "island\nBiscoe", [0, Number.NaN, -1]],
    [
      "as spreadsheets write it",
      '\ufeff"island";"mass" ; "sex"\r\n"Dream";1;"male"\r\n\r\n',
      [1, 1, 1],
      { delimiter: ";" },
    ],
    ["with tabs", "island\tmass\tsex\nDream\t1\tmale", [1, 1, 1], { delimiter: "\t" }],
  ])("reads CSV %s", (_, text, values, parameters = {}) => {
    expect(read(csv(text), parameters)).toEqual({ form: "list", values });
  });

  test.each<[text: string, code: ErrorCode, message: string, parameters?: object]>([
    ["", "invalid_input", "it has no row after its header"],
    ["", "invalid_input", "it is empty", { header: false }],
    ["island,mass,sex\n", "invalid_input", "it has no row after its header"],
    [
      "Dream,1,male",
      "invalid_input",
      'missing: "island"; unknown: "Dream", "1", "male" (with ?header=false',
    ],
    ["island,mass,sex,mass\na,1,b,2", "invalid_input", 'repeated: "mass"'],
    ["Dream,1", "invalid_input", "the row in line 1 has 2 cells instead of 3", { header: false }],
    [
      "island,mass,sex\nDream,1,male\nDream,1",
      "invalid_input",
      "the row in line 3 has 2 cells instead of 3 (island, mass, sex)",
    ],
    [
      'island,mass,sex\nDream,1,"male',
      "invalid_input",
      "a quoted cell that begins in line 2 is not closed",
    ],
    ['island,mass,sex\nDr"eam,1,male', "invalid_input", "an unquoted cell has a quote in line 2"],
    [
      "island,mass,sex\nDream,1,male\nDream,one,male",
      "invalid_datatype",
      'row 2, column "mass" must be a number; got "one"',
    ],
    ["island,mass,sex\nDream,0x10,male", "invalid_datatype", 'must be a number; got "0x10"'],
    ["island,mass,sex\nDream,1e39,male", "value_out_of_range", "got 1e39"],
    ["island,mass,sex\nOslo,1,male", "invalid_input", 'row 1, column "island" must be one of'],
    ["island,mass,sex\n,1,male", "invalid_input", 'row 1, column "island" must be one of'],
  ])("refuses the CSV %j", (text, code, message, parameters = {}) => {
    const error = catchApiError(code, () => read(csv(text), parameters));
    expect(error.message).toContain(message);
  });

  test("refuses CSV that is not UTF-8, and more rows than the limit", async () => {
    const latin = new Media("text/csv", Uint8Array.of(0x69, 0xfc, 0x0a));
    expect(catchApiError("invalid_input", () => read(latin)).message).toContain("not UTF-8");
    const long = csv(`island\n${"Dream\n".repeat(Math.floor(MAX_VALUES / 3) + 1)}`);
    await expect(preprocessAsync(birds, long)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("more than 166666 rows"),
    });
    const wide = csv(`${"a,".repeat(600_000)}\n`);
    expect(catchApiError("invalid_input", () => read(wide)).message).toContain(
      "line 1 has more than 16 cells",
    );
  });
});

test("a list has the same limit of values as a table in CSV", async () => {
  const rows = (count: number): number[][] => Array.from({ length: count }, () => [1, 2]);
  const { tensors } = await preprocessAsync(preprocessor, rows(MAX_VALUES / 2));
  expect(tensors).toMatchObject([{ shape: [250_000, 2] }]);
  expect(catchApiError("invalid_input", () => encode(rows(MAX_VALUES / 2 + 1))).message).toBe(
    "inputs has 250001 rows: a request may have 250000 at most.",
  );
});

test("large tables have checkpoints while they are split and while they are read", async () => {
  const { trace, checkpoint } = createCall();
  let checkpoints = 0;
  const count = (): Promise<void> => {
    checkpoints += 1;
    return checkpoint();
  };
  const lines = Array.from({ length: 100_000 }, (_, row) => `${row},0.5`);
  const csv = new Media("text/csv", new TextEncoder().encode(`width,height\n${lines.join("\n")}`));
  const parameters = preprocessor.parameters.parse({});
  const { items } = await preprocessor.split(csv, parameters, count);
  expect(checkpoints).toBeGreaterThanOrEqual(Math.floor(csv.bytes.length / 65_600));
  checkpoints = 0;
  const { tensors } = await preprocessor.toTensors(items, { parameters, trace, checkpoint: count });
  expect(checkpoints).toBe(10);
  expect(tensors).toMatchObject([{ shape: [100_000, 2] }]);
  const [tensor] = tensors as NumericTensor[];
  expect(tensor && [...toTypedArray(tensor)].slice(-2)).toEqual([99_999, 0.5]);
  const abort = (): Promise<void> => Promise.reject(new Error("the client has gone"));
  await expect(preprocessor.split(csv, parameters, abort)).rejects.toThrow("the client has gone");
});

test.each<[datatype: "INT64" | "INT32" | "BOOL", inputs: unknown, values: unknown[]]>([
  ["INT64", [[1, "9007199254740993"]], [1n, 9_007_199_254_740_993n]],
  ["INT32", [[1, null]], [1, 7]],
  ["BOOL", [[true, 0]], [1, 0]],
])("%s columns take %j", (datatype, inputs, values) => {
  const integers = createTabularPreprocessor(
    { name: "x", datatype, shape: ["batch", 2] },
    { columns: ["a", "b"], categories: {}, missing: datatype === "INT32" ? { b: 7 } : {} },
  );
  const { tensors } = preprocess(integers, inputs);
  expect([...toTypedArray(tensors[0] as NumericTensor)]).toEqual(values);
  const error = catchApiError("value_out_of_range", () => preprocess(integers, [[1.5, 1]]));
  expect(error.message).toContain('inputs[0], column "a" must be ');
  const text = new Media("text/csv", new TextEncoder().encode("b,a\n1,0"));
  const csv = preprocess(integers, text).tensors[0] as NumericTensor;
  expect([...toTypedArray(csv)].map(Number)).toEqual([0, 1]);
});
