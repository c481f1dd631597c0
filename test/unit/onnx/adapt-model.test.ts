import { describe, expect, test } from "vitest";
import { OnnxError } from "../../../src/onnx/onnx-scanner.ts";
import { encodeField, encodeNumberField } from "../../../src/onnx/wire-format.ts";
import { readExport } from "../../support/exported-models.ts";
import { adapt, rewrite } from "../../support/rewrite-onnx.ts";

/** What the engine computes from the files is tested in `test/workerd/exported-models.test.ts`. */

describe("a rewritten file", () => {
  const files = new Map([
    ["weights.bin", readExport("weights.bin")],
    ["parts/inner.bin", readExport("parts/inner.bin")],
  ]);

  test.each(["sklearn-logistic", "catboost", "zipmaps", "external"])(
    "of %s is the same, in whatever pieces it is read",
    async (name) => {
      const bytes = readExport(`${name}.onnx`);
      const whole = await rewrite(bytes, files);
      for (const pieceBytes of [1, 2, 5, 33, 500])
        expect((await rewrite(bytes, files, pieceBytes)).equals(whole)).toBe(true);
      expect(adapt(whole)).toMatchObject({ changes: [], externalPaths: [] });
    },
  );

  test("keeps the bytes before and after what is changed", async () => {
    const bytes = Buffer.from(readExport("catboost.onnx"));
    const whole = await rewrite(bytes);
    const trees = bytes.subarray(bytes.indexOf("TreeEnsemble"), bytes.indexOf("ZipMap") - 60);
    expect(trees.length).toBeGreaterThan(900);
    expect(whole.includes(trees)).toBe(true);
    expect(whole.includes("ZipMap")).toBe(false);
  });

  test("lists the files that weights are in", () => {
    expect(adapt(readExport("external.onnx")).externalPaths).toEqual([
      "parts/inner.bin",
      "weights.bin",
    ]);
  });
});

/** A file whose only initializer is in another file. */
function external(entries: Readonly<Record<string, string>>, datatype = 1): Uint8Array {
  const data = Object.entries(entries).map(([key, value]) =>
    encodeField(13, Buffer.concat([encodeField(1, key), encodeField(2, value)])),
  );
  const fields = [
    encodeNumberField(1, 4),
    encodeNumberField(2, datatype),
    encodeField(8, "w"),
    ...data,
    encodeNumberField(14, 1),
  ];
  return encodeField(7, encodeField(5, Buffer.concat(fields)));
}

describe("weights in another file", () => {
  test.each<[what: string, file: Uint8Array, why: RegExp]>([
    [
      "under a path above the model's",
      external({ location: "../w.bin" }),
      /"w" .*the location "\.\.\/w\.bin" is not a relative path/,
    ],
    [
      "under an absolute path",
      external({ location: "/etc/passwd" }),
      /the location "\/etc\/passwd"/,
    ],
    [
      "under a path with a backslash",
      external({ location: "a\\w.bin" }),
      /the location "a\\\\w\.bin"/,
    ],
    ["without a path", external({}), /the location ""/],
    ["at a negative offset", external({ location: "w", offset: "-1" }), /its offset is "-1"/],
    [
      "at an offset that is no number",
      external({ location: "w", offset: "x" }),
      /its offset is "x"/,
    ],
    [
      "of another length than its shape",
      external({ location: "w", length: "8" }),
      /its length is 8 bytes, where its shape takes 16/,
    ],
    ["of texts", external({ location: "w" }, 8), /datatype or shape cannot be stored so/],
  ])("%s are refused", (_, file, why) => {
    expect(() => adapt(file)).toThrow(OnnxError);
    expect(() => adapt(file)).toThrow(why);
  });

  test("beyond the end of their file are refused", () => {
    const adaptation = adapt(external({ location: "./w.bin", offset: "5" }));
    expect(adaptation.externalPaths).toEqual(["w.bin"]);
    expect(() => adaptation.plan(new Map([["w.bin", 20]]))).toThrow(
      'its tensor "w" ends at byte 21 of the file "w.bin", which has 20 bytes',
    );
    expect(adaptation.plan(new Map([["w.bin", 21]])).edits).not.toEqual([]);
  });

  test.each([
    [16, 8],
    [21, 2],
    [25, 1],
    [15, 64],
    [19, 4],
  ])("of ONNX's type %i take %i bytes for four elements", (datatype, sizeBytes) => {
    const adaptation = adapt(external({ location: "w", length: `${sizeBytes}` }, datatype));
    expect(adaptation.changes).toEqual(["external-data"]);
  });
});

/** A file with one input or output of a type. */
function fileWith(side: "input" | "output", type: Uint8Array): Uint8Array {
  const value = Buffer.concat([encodeField(1, "v"), encodeField(2, type)]);
  return encodeField(7, encodeField(side === "input" ? 11 : 12, value));
}

function tensorType(elementType: number): Uint8Array {
  return encodeField(1, encodeNumberField(1, elementType));
}

const sequence = (element: Uint8Array): Uint8Array => encodeField(4, encodeField(1, element));
const map = (key: number, value: Uint8Array): Uint8Array =>
  encodeField(5, Buffer.concat([encodeNumberField(1, key), encodeField(2, value)]));
const optional = (element: Uint8Array): Uint8Array => encodeField(9, encodeField(1, element));

describe("a value that cannot be served", () => {
  test.each<[what: string, side: "input" | "output", type: Uint8Array, why: RegExp]>([
    [
      "a BF16 input",
      "input",
      tensorType(16),
      /input "v" is a tensor of BF16, .* Declare the input as FP32 and add a Cast/,
    ],
    [
      "a BF16 output",
      "output",
      tensorType(16),
      /output "v" is a tensor of BF16, .* Add a Cast to FP32 before the output/,
    ],
    ["an INT4 output", "output", tensorType(22), /a tensor of INT4, .* Add a Cast to INT8/],
    ["a FLOAT8 input", "input", tensorType(17), /a tensor of FLOAT8E4M3FN, /],
    ["a complex output", "output", tensorType(14), /COMPLEX64, .* a real and an imaginary part/],
    ["an element type of the future", "input", tensorType(99), /ONNX element type 99/],
    [
      "an optional input",
      "input",
      optional(tensorType(1)),
      /an optional value \(FP32\), .* plain tensor/,
    ],
    [
      "an optional output",
      "output",
      optional(sequence(tensorType(7))),
      /an optional value \(sequence\(INT64\)\), .*OptionalGetElement/,
    ],
    [
      "a sequence output",
      "output",
      sequence(tensorType(1)),
      /a sequence\(FP32\), .*ConcatFromSequence/,
    ],
    [
      "a sequence input",
      "input",
      sequence(tensorType(8)),
      /a sequence\(BYTES\), .* one input for each element/,
    ],
    [
      "maps that no ZipMap makes",
      "output",
      sequence(map(8, tensorType(1))),
      /a sequence\(map\(BYTES, FP32\)\), /,
    ],
    [
      "a map input",
      "input",
      map(7, tensorType(11)),
      /a map\(INT64, FP64\), .* one column for each key/,
    ],
    [
      "a sparse input",
      "input",
      encodeField(8, encodeNumberField(1, 1)),
      /a sparse\(FP32\), .* dense tensor/,
    ],
    ["an opaque input", "input", encodeField(7, []), /an opaque, /],
  ])("%s is refused in words that fit", (_, side, type, why) => {
    expect(() => adapt(fileWith(side, type))).toThrow(OnnxError);
    expect(() => adapt(fileWith(side, type))).toThrow(why);
    expect(() => adapt(fileWith(side, type))).not.toThrow(/zipmap=False/i);
  });

  test("is no output whose type the engine infers", () => {
    expect(adapt(encodeField(7, encodeField(12, encodeField(1, "y")))).changes).toEqual([]);
  });
});
