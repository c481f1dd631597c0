import { describe, expect, test } from "vitest";
import {
  type Datatype,
  NUMERIC_DATATYPES,
  type NumericDatatype,
} from "../../../src/domain/datatype.ts";
import type { ErrorCode } from "../../../src/domain/errors.ts";
import { type NumericTensor, toBytes } from "../../../src/domain/tensor.ts";
import {
  describe as describeValue,
  fromJsonData,
  toJsonData,
} from "../../../src/domain/tensor-json.ts";
import { createJsonNumber } from "../../../src/shared/json-number.ts";
import { catchApiError } from "../../support/errors.ts";

/** Values beside the limits of every datatype, with their bytes by IEEE 754 and two's complement. */
const ACCEPTED: [Datatype, value: unknown, hex: string][] = [
  ["BOOL", true, "01"],
  ["BOOL", false, "00"],
  ["BOOL", 1, "01"],
  ["UINT8", 0, "00"],
  ["UINT8", 255, "ff"],
  ["INT8", -128, "80"],
  ["INT8", 127, "7f"],
  ["UINT16", 65_535, "ffff"],
  ["INT16", -32_768, "0080"],
  ["INT16", 32_767, "ff7f"],
  ["UINT32", 4_294_967_295, "ffffffff"],
  ["INT32", -2_147_483_648, "00000080"],
  ["INT32", 2_147_483_647, "ffffff7f"],
  ["INT64", -1, "ffffffffffffffff"],
  ["INT64", 9_007_199_254_740_991, "ffffffffffff1f00"],
  ["INT64", -9_007_199_254_740_991, "010000000000e0ff"],
  ["INT64", "9007199254740993", "0100000000002000"],
  ["INT64", 9_007_199_254_740_993n, "0100000000002000"],
  ["UINT64", 18_446_744_073_709_551_615n, "ffffffffffffffff"],
  // 2^53 + 1 is halfway between two doubles and rounds to the even one.
  ["FP64", 9_007_199_254_740_993n, "0000000000004043"],
  // Spelled otherwise than as plain digits.
  ["INT64", createJsonNumber("9007199254740993.0"), "0100000000002000"],
  ["INT64", createJsonNumber("-9.007199254740993e15"), "ffffffffffffdfff"],
  ["UINT64", createJsonNumber("1e19"), "0000e8890423c78a"],
  ["UINT64", createJsonNumber("1000000000000000000000e-18"), "e803000000000000"],
  ["UINT8", createJsonNumber("100000000000000000000e-18"), "64"],
  ["FP32", createJsonNumber("1e30"), "caf24971"],
  ["FP64", createJsonNumber("1.0000000000000000001"), "000000000000f03f"],
  ["FP32", createJsonNumber("1e-400"), "00000000"],
  ["INT64", "9223372036854775807", "ffffffffffffff7f"],
  ["INT64", "-9223372036854775808", "0000000000000080"],
  ["UINT64", 0, "0000000000000000"],
  ["UINT64", "18446744073709551615", "ffffffffffffffff"],
  // 1, the smallest normal and subnormal numbers, the largest number, a tie that rounds to even.
  ["FP16", 1, "003c"],
  ["FP16", 6.103515625e-5, "0004"],
  ["FP16", 2 ** -24, "0100"],
  ["FP16", 65_504, "ff7b"],
  ["FP16", 65_519.996, "ff7b"],
  ["FP16", 2049, "0068"],
  ["FP16", "NaN", "007e"],
  ["FP16", "-Infinity", "00fc"],
  ["FP32", 0.1, "cdcccc3d"],
  ["FP32", 3.4028234663852886e38, "ffff7f7f"],
  ["FP32", 3.4028235677973362e38, "ffff7f7f"],
  ["FP32", 1.401298464324817e-45, "01000000"],
  ["FP32", -0, "00000080"],
  ["FP32", "NaN", "0000c07f"],
  ["FP32", "Infinity", "0000807f"],
  ["FP32", "-Infinity", "000080ff"],
  ["FP64", 0.1, "9a9999999999b93f"],
  ["FP64", 1.7976931348623157e308, "ffffffffffffef7f"],
  ["FP64", -1.7976931348623157e308, "ffffffffffffefff"],
  ["FP64", 5e-324, "0100000000000000"],
  ["FP64", "NaN", "000000000000f87f"],
];

const REFUSED: [Datatype, value: unknown, code: ErrorCode, expected: string][] = [
  ["BOOL", 2, "value_out_of_range", "true or false; got 2"],
  ["BOOL", "true", "invalid_datatype", 'true or false; got "true"'],
  ["BOOL", null, "invalid_datatype", "true or false; got null"],
  ["UINT8", 256, "value_out_of_range", "an integer from 0 to 255; got 256"],
  ["UINT8", -1, "value_out_of_range", "an integer from 0 to 255; got -1"],
  ["UINT8", 1.5, "value_out_of_range", "an integer from 0 to 255; got 1.5"],
  ["UINT8", "1", "invalid_datatype", 'an integer from 0 to 255; got "1"'],
  ["UINT8", true, "invalid_datatype", "an integer from 0 to 255; got true"],
  ["INT8", 128, "value_out_of_range", "an integer from -128 to 127; got 128"],
  ["INT8", -129, "value_out_of_range", "an integer from -128 to 127; got -129"],
  ["UINT16", 65_536, "value_out_of_range", "an integer from 0 to 65535; got 65536"],
  ["INT16", 32_768, "value_out_of_range", "an integer from -32768 to 32767; got 32768"],
  ["UINT32", 4_294_967_296, "value_out_of_range", "0 to 4294967295; got 4294967296"],
  ["INT32", 2_147_483_648, "value_out_of_range", "-2147483648 to 2147483647; got 2147483648"],
  ["INT32", -2_147_483_649, "value_out_of_range", "got -2147483649"],
  // 2^53 is what 2^53 + 1 becomes in JSON.parse, so it may not be what was sent.
  [
    "INT64",
    9_007_199_254_740_992,
    "value_out_of_range",
    "as a string or a bigint when a number does not hold it exactly",
  ],
  [
    "INT64",
    -9_007_199_254_740_992,
    "value_out_of_range",
    "as a string or a bigint when a number does not hold it exactly",
  ],
  ["INT64", 9_223_372_036_854_775_808n, "value_out_of_range", "got 9223372036854775808"],
  ["UINT64", -1n, "value_out_of_range", "got -1"],
  ["INT32", 9_007_199_254_740_993n, "value_out_of_range", "got 9007199254740993"],
  ["FP32", 10n ** 39n, "value_out_of_range", "got 1000000000000000000000000000000000000000"],
  ["INT64", "9223372036854775808", "invalid_datatype", "to 9223372036854775807"],
  ["INT64", "-9223372036854775809", "invalid_datatype", "from -9223372036854775808"],
  ["INT64", 0.5, "value_out_of_range", "got 0.5"],
  ["INT64", "1e3", "invalid_datatype", 'got "1e3"'],
  ["INT64", "0x10", "invalid_datatype", 'got "0x10"'],
  ["INT64", "", "invalid_datatype", 'got ""'],
  ["INT64", true, "invalid_datatype", "got true"],
  ["UINT64", -1, "value_out_of_range", "from 0 to 18446744073709551615"],
  ["UINT64", "-1", "invalid_datatype", "from 0 to 18446744073709551615"],
  ["UINT64", "18446744073709551616", "invalid_datatype", "from 0 to 18446744073709551615"],
  // Half a unit in the last place above the largest number, from where IEEE 754 rounds to infinity.
  ["FP16", 65_520, "value_out_of_range", "got 65520"],
  ["FP16", -65_520, "value_out_of_range", "got -65520"],
  ["FP32", 3.4028235677973366e38, "value_out_of_range", "got 3.4028235677973366e+38"],
  ["FP32", -1e39, "value_out_of_range", '"NaN", "Infinity" or "-Infinity"; got -1e+39'],
  // The value of JSON.parse for 1e999.
  ["FP64", createJsonNumber("1e400"), "value_out_of_range", "got 1e400"],
  ["FP32", createJsonNumber("1e300"), "value_out_of_range", "got 1e300"],
  ["FP16", 12_345_678_901_234_567_890n, "value_out_of_range", "got 12345678901234567890"],
  ["UINT8", 12_345_678_901_234_567_890n, "value_out_of_range", "got 12345678901234567890"],
  ["INT64", 12_345_678_901_234_567_890n, "value_out_of_range", "got 12345678901234567890"],
  ["INT64", createJsonNumber("1e19"), "value_out_of_range", "got 1e19"],
  ["INT32", createJsonNumber("1.0000000000000000001"), "value_out_of_range", "got 1.00000000"],
  ["BOOL", createJsonNumber("1e400"), "value_out_of_range", "got 1e400"],
  ["BYTES", createJsonNumber("1e400"), "value_out_of_range", "got 1e400"],
  ["BYTES", -0, "value_out_of_range", "got -0"],
  ["FP64", Number.POSITIVE_INFINITY, "value_out_of_range", "got Infinity"],
  ["FP32", "1.5", "invalid_datatype", 'got "1.5"'],
  ["FP32", "nan", "invalid_datatype", 'got "nan"'],
  ["FP32", true, "invalid_datatype", "got true"],
  ["FP32", null, "invalid_datatype", "got null"],
  ["FP32", { a: 1 }, "invalid_datatype", "got an object"],
  ["FP32", [1], "invalid_datatype", "got an array of 1"],
  ["BYTES", 1, "value_out_of_range", "a string; got 1"],
  ["BYTES", null, "invalid_datatype", "a string; got null"],
  ["BYTES", "\ud800", "invalid_datatype", "text without lone surrogates"],
  ["BYTES", "a\udc00", "invalid_datatype", "text without lone surrogates"],
];

describe("fromJsonData", () => {
  test.each(ACCEPTED)("fromJsonData converts %s %s to %s", (datatype, value, hex) => {
    const { data } = fromJsonData("x", datatype, [1], [value]) as NumericTensor;
    expect(Buffer.from(data).toString("hex")).toBe(hex);
  });

  test.each(REFUSED)("fromJsonData refuses %s %s with %s", (datatype, value, code, expected) => {
    const valid = { BYTES: "ok", BOOL: true }[datatype as "BYTES" | "BOOL"] ?? 1;
    const error = catchApiError(code, () => fromJsonData("x", datatype, [2], [valid, value]));
    expect(error.message).toMatch(`Input "x": element 1 of its ${datatype} data must be `);
    expect(error.message).toContain(expected);
    expect(error.details).toEqual({ input: "x", datatype, index: 1 });
  });

  test("fromJsonData accepts text of every Unicode plane as BYTES", () => {
    const data = ["", "é", "漢字", "🙂", "\u{10ffff}"];
    expect(fromJsonData("x", "BYTES", [5], data)).toEqual({
      name: "x",
      datatype: "BYTES",
      shape: [5],
      data,
    });
  });

  test.each<[shape: number[], data: unknown, flat: number[]]>([
    [[], [7], [7]],
    [[0], [], []],
    [[0, 4], [], []],
    [[2, 0], [], []],
    [[2, 0], [[], []], []],
    [[4], [1, 2, 3, 4], [1, 2, 3, 4]],
    [
      [2, 2],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
    [
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
      [1, 2, 3, 4],
    ],
    [[1, 2, 1, 2], [[[[1, 2]], [[3, 4]]]], [1, 2, 3, 4]],
  ])("fromJsonData accepts data of the shape %j: %j", (shape, data, flat) => {
    const tensor = fromJsonData("x", "UINT8", shape, data) as NumericTensor;
    expect([...tensor.data]).toEqual(flat);
    expect(tensor.shape).toEqual(shape);
  });

  test.each<[shape: number[], data: unknown, code: ErrorCode, message: string]>([
    [[], [], "invalid_shape", "the shape [] has 1 elements, but data has 0"],
    [[], 7, "invalid_input", "data must be an array of 1 elements, flat or nested as []; got 7"],
    [[2], [1], "invalid_shape", "the shape [2] has 2 elements, but data has 1"],
    [[2], [1, 2, 3], "invalid_shape", "the shape [2] has 2 elements, but data has 3"],
    [[0], [1], "invalid_shape", "the shape [0] has 0 elements, but data has 1"],
    [[2, 2], [[1, 2]], "invalid_shape", "data must be an array of 2 elements"],
    [[2, 2], [[1, 2], [3]], "invalid_shape", "data[1] must be an array of 2 elements"],
    [[2, 2], [[1, 2], 3], "invalid_shape", "data[1] must be an array of 2 elements"],
    [[2, 2], [[1], [2, 3, 4]], "invalid_shape", "data[0] must be an array of 2 elements"],
    [
      [2, 2],
      [
        [1, 2],
        [3, [4]],
      ],
      "invalid_shape",
      "data[1][1] is nested deeper than the shape [2, 2]",
    ],
    [[2, 0], [[], [1]], "invalid_shape", "data[1] must be an array of 0 elements"],
    [[1, 1], [[[1]]], "invalid_shape", "data[0][0] is nested deeper than the shape [1, 1]"],
    [[2], undefined, "invalid_input", "got nothing"],
    [[2], null, "invalid_input", "got null"],
    [[2], "AAA=", "invalid_input", 'got "AAA="'],
    [[2], { 0: 1, 1: 2 }, "invalid_input", "got an object"],
    [[1e9], [1], "invalid_shape", "the shape [1000000000] has 1000000000 elements, but data has 1"],
  ])(
    "fromJsonData refuses data that does not have the shape %j: %j",
    (shape, data, code, message) => {
      const error = catchApiError(code, () => fromJsonData("x", "UINT8", shape, data));
      expect(error.message).toContain('Input "x": ');
      expect(error.message).toContain(message);
    },
  );

  test("fromJsonData refuses deep nesting without recursing into it", () => {
    const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
    const error = catchApiError("invalid_shape", () => fromJsonData("x", "FP32", [1, 1], deep));
    expect(error.message).toContain("data[0][0] is nested deeper than the shape [1, 1]");
  });
});

describe("toJsonData", () => {
  const tensor = (datatype: NumericDatatype, ...values: (number | bigint)[]): NumericTensor => {
    const { array: TypedArray } = NUMERIC_DATATYPES[datatype];
    const data = new TypedArray(values.length);
    for (const [index, value] of values.entries()) data[index] = value as number;
    return { name: "y", datatype, shape: [values.length], data: toBytes(data) };
  };

  test.each<[NumericDatatype, (number | bigint)[], json: string]>([
    ["BOOL", [0, 1], "[false,true]"],
    ["UINT8", [0, 255], "[0,255]"],
    ["INT8", [-128], "[-128]"],
    [
      "INT64",
      [9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n],
      "[9223372036854775807,-9223372036854775808]",
    ],
    ["UINT64", [18_446_744_073_709_551_615n], "[18446744073709551615]"],
    ["FP16", [65_504, 6.103515625e-5], "[65504,0.00006103515625]"],
    ["FP32", [0.1], "[0.10000000149011612]"],
    [
      "FP32",
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1],
      '["NaN","Infinity","-Infinity",-0.0,1]',
    ],
    ["FP64", [0.1, 5e-324, 1.7976931348623157e308], "[0.1,5e-324,1.7976931348623157e+308]"],
    ["FP64", [], "[]"],
  ])("toJsonData serializes %s as $2", (datatype, values, json) => {
    expect(toJsonData(tensor(datatype, ...values))).toBe(json);
    expect(JSON.parse(json)).toHaveLength(values.length);
  });

  test("toJsonData serializes BYTES as JSON strings", () => {
    const data = ['"', "\n", "漢"];
    const json = toJsonData({ name: "y", datatype: "BYTES", shape: [3], data });
    expect(JSON.parse(json)).toEqual(data);
  });

  test.each(ACCEPTED)("toJsonData returns what fromJsonData accepted: %s %s", (datatype, value) => {
    const taken = fromJsonData("x", datatype, [1], [value]);
    // Integers beyond 2^53 come back as JSON numbers, to be sent as strings.
    const [serialized] = toJsonData(taken).slice(1, -1).split(",");
    const again =
      datatype.endsWith("64") && datatype !== "FP64" ? serialized : JSON.parse(serialized ?? "");
    expect(fromJsonData("x", datatype, [1], [again])).toEqual(taken);
  });

  test("toJsonData reads tensors that are not aligned in memory", () => {
    const bytes = new Uint8Array(9).subarray(1);
    bytes.set([0, 0, 128, 63, 0, 0, 0, 64]);
    expect(toJsonData({ name: "y", datatype: "FP32", shape: [2], data: bytes })).toBe("[1,2]");
  });
});

test("values in error messages are cut to a readable length", () => {
  expect(describeValue("a".repeat(1_000_000))).toBe(`"${"a".repeat(76)}...`);
  expect(describeValue([1, 2])).toBe("an array of 2");
  expect(describeValue(undefined)).toBe("nothing");
});
