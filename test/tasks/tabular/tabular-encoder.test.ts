import { expect, test } from "vitest";
import type { ErrorCode } from "../../../src/domain/errors.ts";
import { type NumericTensor, toTypedArray } from "../../../src/domain/tensor.ts";
import { createTabularEncoder } from "../../../src/tasks/tabular/tabular-encoder.ts";
import { catchApiError } from "../../support/errors.ts";
import { runEncoder } from "../../support/run-encoder.ts";

const spec = { name: "features", datatype: "FP32", shape: ["batch", 2] } as const;
const encoder = createTabularEncoder(spec, ["width", "height"]);
const encode = (inputs: unknown) => runEncoder(encoder, inputs);

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
])("%s is taken", (_, inputs, data, batched) => {
  const encoded = encode(inputs);
  expect(encoded.form).toBe(batched ? "list" : "one");
  const [tensor] = encoded.tensors as NumericTensor[];
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
  [{ width: 1, heigth: 2 }, "invalid_input", "missing: height; unknown: heigth;"],
  [JSON.parse('{"width":1,"height":2,"__proto__":3}'), "invalid_input", "unknown: __proto__;"],
  [{}, "invalid_input", "missing: width, height;"],
  [[1, "2"], "invalid_datatype", "element 1 of its FP32 data must be a number"],
  [[1, null], "invalid_datatype", "got null"],
  [[1, 1e39], "value_out_of_range", "got 1e+39"],
])("%j is refused", (inputs, code, message) => {
  expect(catchApiError(code, () => encode(inputs)).message).toContain(message);
});
