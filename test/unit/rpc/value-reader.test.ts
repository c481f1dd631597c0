import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/domain/errors.ts";
import { ValueReader } from "../../../src/rpc/value-reader.ts";

const MAX_BYTES = 1_000_000;

function read(value: unknown, takesFiles = true): { value: unknown; reader: ValueReader } {
  const reader = new ValueReader({ maxBytes: MAX_BYTES, takesFiles });
  return { value: reader.read(value, "inputs"), reader };
}

function refusal(value: unknown, takesFiles = true): Pick<ApiError, "code" | "message"> {
  try {
    read(value, takesFiles);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("a value of another Worker", () => {
  test("that JSON has is read as it is", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(read(structuredClone(value)).value)).toBe(text);
      }),
    );
  });

  test("has numbers that are not finite by their names, and short bigints as numbers", () => {
    const given = [Number.NaN, { a: Number.NEGATIVE_INFINITY, b: 5n, c: 2n ** 60n }, undefined];
    const expected = ["NaN", { a: "-Infinity", b: 5, c: 2n ** 60n }, undefined];
    expect(read(given).value).toEqual(expected);
  });

  test("has typed arrays as lists of numbers, which may be nested", () => {
    const given = { a: new Float32Array([1, Number.NaN]), b: [new BigInt64Array([7n])] };
    expect(read(given).value).toEqual({ a: [1, "NaN"], b: [[7]] });
  });

  test("has typed arrays as they are where no files are taken", () => {
    const data = new Float32Array([1, Number.NaN]);
    expect(read({ a: { data } }, false).value).toEqual({ a: { data } });
    expect(refusal({ a: new ArrayBuffer(4) }, false).message).toBe(
      "inputs.a must be a value of JSON or a typed array; got an ArrayBuffer.",
    );
  });

  test("has files that can be replaced where they are", () => {
    const bytes = new Uint8Array([1, 2]);
    const given = { list: [bytes, 5], proto: new Blob(["x"]) };
    const { value, reader } = read(given);
    expect(reader.files.map(({ path }) => path)).toEqual(["inputs.list[0]", "inputs.proto"]);
    for (const [index, file] of reader.files.entries()) file.replace(index);
    expect(value).toEqual({ list: [0, 5], proto: 1 });
  });

  test("with a field __proto__ keeps its prototype", () => {
    const given = JSON.parse('{"__proto__": [null]}') as object;
    (Object.getOwnPropertyDescriptor(given, "__proto__")?.value as unknown[])[0] = Number.NaN;
    const { value } = read(given);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(JSON.stringify(value)).toBe('{"__proto__":["NaN"]}');
  });

  test.each([
    ["a function", [() => 1], "inputs[0]", "a function or stub"],
    ["a Date", { a: [new Date(0)] }, "inputs.a[0]", "a Date"],
    ["a Map", new Map(), "inputs", "a Map"],
    ["a boxed text", [Object("x")], "inputs[0]", "a String"],
    ["a DataView", new DataView(new ArrayBuffer(3)), "inputs", "a DataView of 3 bytes"],
  ])("that has %s is refused by its place", (_, value, path, received) => {
    const { code, message } = refusal(value);
    expect(code).toBe("invalid_request");
    expect(message).toMatch(new RegExp(`^${path.replaceAll(/[[\]]/g, "\\$&")} must be `));
    expect(message).toContain(`; got ${received}.`);
  });

  test.each([
    ["texts", ["x".repeat(MAX_BYTES + 1)]],
    ["numbers", Array.from({ length: MAX_BYTES / 8 + 1 }, () => 1)],
    ["the buffer of a view", new Float32Array(MAX_BYTES).subarray(0, 1)],
  ])("that is too large by its %s is refused", (_, value) => {
    expect(refusal(value).code).toBe("body_too_large");
  });

  test("that is cyclic, or sparse and long, is refused at once", () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expect(refusal(cyclic)).toMatchObject({ code: "invalid_request" });
    expect(refusal(new Array(2 ** 32 - 1))).toMatchObject({ code: "body_too_large" });
    expect(refusal(new Array(1_000_001).fill("")).message).toContain("more than 1000000 strings");
    expect(refusal(new Array(100_001).fill(2n ** 60n)).message).toContain("100000 long integers");
    expect(refusal([2n ** 100_000n])).toMatchObject({ code: "value_out_of_range" });
  });
});
