import { describe, expect, test, vi } from "vitest";
import { toInputTensors } from "../../../../packages/client/src/input-tensor.ts";
import { OnnxflareError } from "../../../../packages/client/src/onnxflare-error.ts";
import type { InferInputs, TensorData } from "../../../../packages/client/src/tensor-types.ts";

function one(inputs: InferInputs) {
  const [tensor] = toInputTensors(inputs);
  if (!tensor) throw new Error("no tensor");
  return tensor;
}

test.each<[TensorData, string, number[]]>([
  [new Uint8Array(2), "UINT8", [2]],
  [new Uint8ClampedArray(2), "UINT8", [2]],
  [new Uint16Array(2), "UINT16", [2]],
  [new Uint32Array(2), "UINT32", [2]],
  [new BigUint64Array(2), "UINT64", [2]],
  [new Int8Array(2), "INT8", [2]],
  [new Int16Array(2), "INT16", [2]],
  [new Int32Array(2), "INT32", [2]],
  [new BigInt64Array(2), "INT64", [2]],
  [new Float16Array(2), "FP16", [2]],
  [new Float32Array(0), "FP32", [0]],
  [new Float64Array(2), "FP64", [2]],
  [[true, false], "BOOL", [2]],
  [
    [
      [true, false],
      [false, true],
      [true, true],
    ],
    "BOOL",
    [3, 2],
  ],
  [[["a"], ["b"]], "BYTES", [2, 1]],
])("the input %o has the datatype %s and the shape %j", (data, datatype, shape) => {
  expect(one({ x: data })).toMatchObject({ name: "x", datatype, shape });
});

test("the bytes of a typed array are sent unchanged, from the start of its view", () => {
  const whole = new Float32Array([1, 2, 3, 4]);
  const { data } = one({ x: whole.subarray(1, 3) });
  expect(data).toEqual(new Uint8Array(new Float32Array([2, 3]).buffer));
  expect((data as Uint8Array).buffer).toBe(whole.buffer);
});

test("an array of another datatype is converted if every value is in its range", () => {
  const { datatype, data } = one({ x: { data: new Int32Array([1, -2]), datatype: "INT64" } });
  expect(datatype).toBe("INT64");
  expect(data).toEqual(new Uint8Array(new BigInt64Array([1n, -2n]).buffer));
});

test.each<[readonly (number | bigint)[], "INT32" | "FP32"]>([
  [[1n, -2n], "INT32"],
  [[Number.NaN, Number.NEGATIVE_INFINITY, -0], "FP32"],
])("the values %o are converted to %s", (values, datatype) => {
  const numbers = values.map(Number);
  const array = datatype === "INT32" ? Int32Array.from(numbers) : Float32Array.from(numbers);
  const { data } = one({ x: { data: values, datatype } });
  expect(data).toEqual(new Uint8Array(array.buffer));
});

describe("invalid inputs", () => {
  test.each<[string, InferInputs, string]>([
    [
      "invalid_datatype",
      { x: [1, 2] },
      'Input "x": the datatype of plain numbers is ambiguous; set "datatype", or send a typed array.',
    ],
    ["invalid_datatype", { x: [[]] }, 'Input "x": the datatype of plain numbers is ambiguous'],
    ["invalid_datatype", { x: { data: [1], datatype: "BF16" as "FP16" } }, "unknown datatype BF16"],
    [
      "invalid_shape",
      [{ name: "x", data: new Float32Array(3), shape: [2, 2] }],
      'Input "x": the shape [2, 2] has 4 elements, but data has 3.',
    ],
    [
      "invalid_shape",
      { x: { data: new Float32Array(3), shape: [-3] } },
      "; got -3 as dimension 0.",
    ],
    [
      "invalid_shape",
      { x: { data: [[1, 2], [3]], datatype: "FP32" } },
      'Input "x": data[1] must be an array of 2 elements for the shape [2, 2]; got an array of 1.',
    ],
    ["value_out_of_range", { x: { data: [256], datatype: "UINT8" } }, "from 0 to 255; got 256"],
    [
      "value_out_of_range",
      { x: { data: new Uint8Array([2]), datatype: "BOOL" } },
      "must be 0 or 1; got 2",
    ],
    [
      "value_out_of_range",
      { x: { data: [2n ** 63n], datatype: "INT64" } },
      "got 9223372036854775808",
    ],
    [
      "value_out_of_range",
      { x: { data: [2 ** 60], datatype: "INT64" } },
      "got 1152921504606847000",
    ],
    ["value_out_of_range", { x: { data: new Float32Array([7e4]), datatype: "FP16" } }, "got 70000"],
    ["value_out_of_range", { x: { data: [1.5], datatype: "INT32" } }, "got 1.5"],
    ["invalid_datatype", { x: ["\ud800"] }, "lone surrogates"],
    [
      "invalid_input",
      { x: "text" as never },
      "data must be an array or a typed array; got nothing",
    ],
  ])("an input is refused with %s before anything is sent: %o", (code, inputs, message) => {
    const refuse = () => toInputTensors(inputs);
    expect(refuse).toThrow(OnnxflareError);
    expect(refuse).toThrow(expect.objectContaining({ code, status: undefined }));
    expect(refuse).toThrow(message);
  });
});

describe("in an engine without Float16Array", () => {
  const values = [1, -0, 65_504, 2 ** -24, 0.1, Number.NaN, Number.NEGATIVE_INFINITY];
  const expected = new Uint8Array(new Float16Array(values).buffer);

  function without<T>(work: () => T): T {
    vi.stubGlobal("Float16Array", undefined);
    try {
      return work();
    } finally {
      vi.unstubAllGlobals();
    }
  }

  test("numbers are rounded to halves", () => {
    const { datatype, data } = without(() => one({ x: { data: values, datatype: "FP16" } }));
    expect(datatype).toBe("FP16");
    expect(data).toEqual(expected);
  });

  test.each([65_520, -65_520, 1e300])("%d is refused as a half", (value) => {
    const refuse = () => without(() => one({ x: { data: [1, value], datatype: "FP16" } }));
    expect(refuse).toThrow(expect.objectContaining({ code: "value_out_of_range" }));
    expect(refuse).toThrow(`element 1 of its FP16 data`);
  });
});
