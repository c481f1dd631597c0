import { expect, test } from "vitest";
import { parseOutputs, serializeTensor } from "../../../conformance/tensor-json.ts";
import type { Datatype } from "../../../src/domain/datatype.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";

/** Bytes by IEEE 754 and two's complement, texts by docs/protocol.md. */
const SPELLINGS: [Datatype, hex: string, json: string][] = [
  ["FP32", "cdcccc3d000000800000c07f000080ff", '0.10000000149011612,-0,"NaN","-Infinity"'],
  ["FP64", "ffffffffffffef7f0100000000000000", "1.7976931348623157e+308,5e-324"],
  ["FP16", "003cff7b007c", '1,65504,"Infinity"'],
  ["INT8", "807f", "-128,127"],
  ["UINT32", "ffffffff", "4294967295"],
  ["BOOL", "0100", "true,false"],
  ["INT64", "ffffffffffff1f0001000000000000e0", '9007199254740991,"-2305843009213693951"'],
  ["UINT64", "ffffffffffffffff", '"18446744073709551615"'],
];

test.each(SPELLINGS)("writes %s", (datatype, hex, json) => {
  const data = Uint8Array.from(Buffer.from(hex, "hex"));
  const tensor = { name: "x", datatype, shape: [json.split(",").length], data } as Tensor;
  expect(serializeTensor(tensor)).toBe(
    `{"name":"x","datatype":"${datatype}","shape":[${tensor.shape}],"data":[${json}]}`,
  );
});

test("writes texts", () => {
  const tensor: Tensor = { name: "x", datatype: "BYTES", shape: [2], data: ['a"', ""] };
  expect(serializeTensor(tensor)).toContain('"data":["a\\"",""]');
});

// A response writes 64-bit integers as numbers of any length, which requests may not.
test.each([...SPELLINGS, ["INT64", "ffffffffffffff7f", "9223372036854775807"] as const])(
  "reads %s",
  (datatype, hex, json) => {
    const data = datatype.endsWith("INT64") ? json.replaceAll('"', "") : json;
    const shape = [json.split(",").length];
    const text = `{"outputs":[{"name":"y","datatype":"${datatype}","shape":[${shape}],"data":[${data}]}]}`;
    const [output] = parseOutputs(text);
    expect(output).toMatchObject({ name: "y", datatype, shape });
    expect(Buffer.from(output?.data as Uint8Array).toString("hex")).toBe(hex);
  },
);

test.each([
  ["FP32", "true"],
  ["INT32", "1.5"],
  ["INT64", '"1"'],
  ["BOOL", "1"],
  ["BYTES", "1"],
])("refuses what is no element of %s", (datatype, json) => {
  const text = `{"outputs":[{"name":"y","datatype":"${datatype}","shape":[1],"data":[${json}]}]}`;
  expect(() => parseOutputs(text)).toThrow(`${json} is not an element of ${datatype}`);
});
