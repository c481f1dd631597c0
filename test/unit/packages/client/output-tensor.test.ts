import { afterEach, describe, expect, test, vi } from "vitest";
import { encodeInferRequest } from "../../../../packages/client/src/infer-request.ts";
import { toOutputTensor } from "../../../../packages/client/src/output-tensor.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a typed array of the response", () => {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setFloat32(4, 1.5, true);
  new DataView(bytes.buffer).setFloat32(5, 1.5, true);
  const spec = { name: "y", datatype: "FP32", shape: [1] };

  test("an output is a view of the response's bytes if they are aligned", () => {
    const { data } = toOutputTensor(spec, bytes.subarray(4, 8));
    expect((data as Float32Array).buffer).toBe(bytes.buffer);
  });

  test("an output is a copy of the response's bytes if they are not aligned", () => {
    const { data } = toOutputTensor(spec, bytes.subarray(5, 9));
    expect((data as Float32Array).buffer).not.toBe(bytes.buffer);
    expect(data).toEqual(Float32Array.of(1.5));
  });
});

describe("JSON of other servers", () => {
  test("JSON data may be nested by the shape", () => {
    const spec = { name: "y", shape: [2, 2] };
    expect(
      toOutputTensor(
        {
          ...spec,
          datatype: "FP32",
          data: [
            [1, "NaN"],
            [3, 4],
          ],
        },
        undefined,
      ).data,
    ).toEqual(Float32Array.of(1, Number.NaN, 3, 4));
    expect(
      toOutputTensor(
        {
          ...spec,
          datatype: "INT8",
          data: [
            [1, 2],
            [3, 4],
          ],
        },
        undefined,
      ).data,
    ).toEqual(Int8Array.of(1, 2, 3, 4));
  });

  test("floats in JSON may be long integers, which are parsed as strings of their digits", () => {
    const data = ["-1180591620717411303424", 1];
    expect(
      toOutputTensor({ name: "y", datatype: "FP64", shape: [2], data }, undefined).data,
    ).toEqual(Float64Array.of(-(2 ** 70), 1));
  });
});

describe("in an engine without Float16Array", () => {
  const halves = Float16Array.of(1, -0, 65_504, 2 ** -24, Number.NaN, Number.NEGATIVE_INFINITY);
  const floats = Float32Array.from(halves);
  const spec = { name: "y", datatype: "FP16", shape: [6] };

  test("FP16 outputs become floats, from bytes and from JSON", () => {
    vi.stubGlobal("Float16Array", undefined);
    const bytes = new Uint8Array(halves.buffer);
    const data = [1, -0, 65_504, 2 ** -24, "NaN", "-Infinity"];
    expect(toOutputTensor(spec, bytes)).toEqual({ ...spec, data: floats });
    expect(toOutputTensor({ ...spec, data }, undefined)).toEqual({ ...spec, data: floats });
  });

  test("floats are sent as FP16 in JSON", () => {
    vi.stubGlobal("Float16Array", undefined);
    const inputs = { x: { data: floats, datatype: "FP16" } } as const;
    const { body } = encodeInferRequest({ model: "m", inputs }, false);
    expect(JSON.parse(body as string).inputs).toEqual([
      {
        name: "x",
        datatype: "FP16",
        shape: [6],
        data: [1, -0, 65_504, 2 ** -24, "NaN", "-Infinity"],
      },
    ]);
  });
});
