import { expect, test } from "vitest";
import {
  parseModelSignature,
  parseTensor,
  UnsupportedValueError,
} from "../../../conformance/onnx-proto.ts";

/** Made with the Python package onnx 1.23.2: `onnx.helper.make_tensor`, `numpy_helper.from_array`. */
test.each<
  [what: string, proto: string, datatype: string, shape: number[], data: string | string[]]
>([
  ["raw data", "0802080110014201784a080000c03f00000080", "FP32", [2, 1], "0000c03f00000080"],
  [
    "float_data",
    "08031001220c0000803f0000c07f000080ff4200",
    "FP32",
    [3],
    "0000803f0000c07f000080ff",
  ],
  ["double_data", "0801100b420052089a9999999999b93f", "FP64", [1], "9a9999999999b93f"],
  [
    "int64_data",
    "080310073a1dffffffffffffffff7f80808080808080808001ffffffffffffffffff014200",
    "INT64",
    [3],
    "ffffffffffffff7f0000000000000080ffffffffffffffff",
  ],
  [
    "UINT64 in uint64_data",
    "0802100d42005a0bffffffffffffffffff0101",
    "UINT64",
    [2],
    "ffffffffffffffff0100000000000000",
  ],
  ["UINT32 in uint64_data", "0801100c42005a05ffffffff0f", "UINT32", [1], "ffffffff"],
  ["FP16 in int32_data", "0802100a2a0580788080034200", "FP16", [2], "003c00c0"],
  ["INT8 in int32_data", "080210032a0b80ffffffffffffffff017f4200", "INT8", [2], "807f"],
  ["BOOL in int32_data", "080210092a0201004200", "BOOL", [2], "0100"],
  ["raw BOOL", "080210094a020100", "BOOL", [2], "0100"],
  ["string_data", "080210083202c3a432004200", "BYTES", [2], ["ä", ""]],
  ["a scalar", "10064a0407000000", "INT32", [], "07000000"],
  ["no elements", "0800080310014a00", "FP32", [0, 3], ""],
])("reads a TensorProto with %s", (_, proto, datatype, shape, data) => {
  const tensor = parseTensor("x", Buffer.from(proto, "hex"));
  const bytes =
    tensor.datatype === "BYTES" ? tensor.data : Buffer.from(tensor.data).toString("hex");
  expect([tensor.name, tensor.datatype, tensor.shape, bytes]).toEqual(["x", datatype, shape, data]);
});

test("refuses a datatype that the protocol does not have", () => {
  const bfloat16 = Buffer.from("080110102a02807f4200", "hex");
  expect(() => parseTensor("x", bfloat16)).toThrow(
    new UnsupportedValueError("ONNX element type 16"),
  );
});

test("refuses data that is shorter than its shape", () => {
  const twoOfThree = Buffer.from("080310094a020100", "hex");
  expect(() => parseTensor("x", twoOfThree)).toThrow(
    '"x" must have 3 bytes or strings for its shape; got 2',
  );
});

test("reads what a model takes and gives", () => {
  const model =
    "08083a560a100a017812017922084964656e746974791201675a140a0178120f0a0d080112090a0312016e0a0208035a0d" +
    "0a0173120822060a040a02080762090a017912040a020801620f0a016f120a4a080a060a040801120042040a001011";
  expect(parseModelSignature(Buffer.from(model, "hex"))).toEqual({
    inputs: [
      { name: "x", kind: "tensor", elementType: 1 },
      { name: "s", kind: "sequence", elementType: 0 },
    ],
    outputs: [
      { name: "y", kind: "tensor", elementType: 1 },
      { name: "o", kind: "optional", elementType: 0 },
    ],
  });
});
