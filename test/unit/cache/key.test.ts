import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isKeyOfModel, predictionKey } from "../../../src/cache/key.ts";
import { DATATYPES, type Datatype } from "../../../src/domain/datatype.ts";
import { type Manifest, parseManifest } from "../../../src/domain/manifest.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import { fromTensorBytes, toTensorBytes } from "../../../src/domain/tensor-bytes.ts";
import { parseInferRequest } from "../../../src/protocols/oip/infer-request.ts";
import {
  elementOf,
  type LogicalTensor,
  tensorOf,
  toJsonText,
  toWireBytes,
} from "../../support/tensor-arbitraries.ts";

const DIGEST = "0123456789abcdef".repeat(4);

function createManifest(changes: object = {}): Manifest {
  return parseManifest({
    schemaVersion: 1,
    name: "m",
    version: "1",
    format: "onnx",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256: DIGEST, sizeBytes: 1 }],
    inputs: [{ name: "x", datatype: "FP32", shape: [-1, -1] }],
    outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
    createdAt: "2026-11-22T00:00:00Z",
    ...changes,
  });
}

const manifest = createManifest();

function toTensor(tensor: LogicalTensor): Tensor {
  return fromTensorBytes(tensor, tensor.shape, toWireBytes(tensor));
}

/** The request, parsed by the Open Inference Protocol's parser. */
function receive(
  json: string,
  binary: Uint8Array,
  tensors: readonly LogicalTensor[],
): readonly Tensor[] {
  const head = Buffer.from(json);
  const specs = tensors.map(({ name, datatype, shape }) => ({
    name,
    datatype,
    shape: shape.map(() => -1),
  }));
  const headerLength = binary.length > 0 ? String(head.length) : undefined;
  return parseInferRequest(Buffer.concat([head, binary]), headerLength, specs).inputs;
}

/** An input in JSON, its fields in their order or reversed. */
function toInput(tensor: LogicalTensor, data: string, isReversed: boolean): string {
  const { name, datatype, shape } = tensor;
  const fields = [
    `"name":${JSON.stringify(name)}`,
    `"datatype":"${datatype}"`,
    `"shape":${JSON.stringify(shape)}`,
    data,
  ];
  return `{${(isReversed ? fields.reverse() : fields).join(",")}}`;
}

function sendAsJson(
  tensors: readonly LogicalTensor[],
  { nested, isReversed, id }: { nested: boolean; isReversed: boolean; id: string },
): readonly Tensor[] {
  const inputs = tensors.map((tensor) =>
    toInput(tensor, `"data":${toJsonText(tensor, nested)}`, isReversed),
  );
  const fields = [`"inputs":[${inputs.join(",")}]`, `"id":${JSON.stringify(id)}`];
  const json = `{${(isReversed ? fields.reverse() : fields).join(", \n")}}`;
  return receive(json, new Uint8Array(), tensors);
}

function sendAsBinary(tensors: readonly LogicalTensor[]): readonly Tensor[] {
  const data = tensors.map(toWireBytes);
  const inputs = tensors.map((tensor, index) =>
    toInput(tensor, `"parameters":{"binary_data_size":${data[index]?.length}}`, false),
  );
  return receive(`{"inputs":[${inputs.join(",")}]}`, Buffer.concat(data), tensors);
}

describe.each(DATATYPES)("a %s tensor", (datatype) => {
  test("has the same key in every request format", async () => {
    await fc.assert(
      fc.asyncProperty(
        tensorOf(datatype, "first"),
        tensorOf(datatype, "second"),
        fc.string(),
        async (first, second, id) => {
          const keys = await Promise.all(
            [
              [toTensor(first), toTensor(second)],
              [toTensor(second), toTensor(first)],
              sendAsJson([first, second], { nested: false, isReversed: false, id: "1" }),
              sendAsJson([second, first], { nested: true, isReversed: true, id }),
              sendAsJson([first, second], { nested: true, isReversed: false, id }),
              sendAsBinary([first, second]),
              sendAsBinary([second, first]),
            ].map((inputs) => predictionKey(manifest, inputs, ["y"], undefined)),
          );
          expect(new Set(keys).size).toBe(1);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("has another key if one element differs", async () => {
    const pair = tensorOf(datatype)
      .filter(({ elements }) => elements.length > 0)
      .chain((tensor) =>
        fc.record({
          tensor: fc.constant(tensor),
          index: fc.nat({ max: tensor.elements.length - 1 }),
          element: elementOf(datatype),
        }),
      )
      .filter(({ tensor, index, element }) => !Object.is(tensor.elements[index], element));
    await fc.assert(
      fc.asyncProperty(pair, async ({ tensor, index, element }) => {
        const other = { ...tensor, elements: tensor.elements.with(index, element) };
        const keys = [tensor, other].map((each) =>
          predictionKey(manifest, [toTensor(each)], ["y"], undefined),
        );
        expect(await keys[0]).not.toBe(await keys[1]);
      }),
      { numRuns: 100 },
    );
  });
});

/** A request of few possible parts, so that equal ones and almost equal ones are common. */
interface Question {
  readonly inputs: readonly LogicalTensor[];
  readonly outputs: readonly string[];
  readonly client: string | undefined;
}

const FEW_ELEMENTS: Readonly<Record<Datatype, readonly LogicalTensor["elements"][number][]>> = {
  BOOL: [false, true],
  UINT8: [0, 1, 255],
  UINT16: [0, 1, 256],
  UINT32: [0, 1, 65_536],
  UINT64: [0n, 1n, 2n ** 63n],
  INT8: [0, 1, -1],
  INT16: [0, 1, -1],
  INT32: [0, 1, -1],
  INT64: [0n, 1n, -1n],
  FP16: [0, -0, 1, Number.NaN],
  FP32: [0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY],
  FP64: [0, -0, 1, Number.NaN, 5e-324],
  BYTES: ["", "a", "b", "ab", "\u0001", '","'],
};

const few: fc.Arbitrary<Question> = fc.record({
  inputs: fc
    .uniqueArray(
      fc
        .record({
          name: fc.constantFrom("a", "b", "ab"),
          datatype: fc.constantFrom(...DATATYPES),
          shape: fc.constantFrom<number[]>([], [0], [1], [2], [1, 2], [2, 1], [1, 1]),
        })
        .chain(({ name, datatype, shape }) => {
          const length = shape.reduce((product, size) => product * size, 1);
          return fc
            .array(fc.constantFrom(...FEW_ELEMENTS[datatype]), {
              minLength: length,
              maxLength: length,
            })
            .map((elements): LogicalTensor => ({ name, datatype, shape, elements }));
        }),
      { selector: ({ name }) => name, maxLength: 3 },
    )
    .map((inputs) => inputs.sort((a, b) => (a.name < b.name ? -1 : 1))),
  outputs: fc.subarray(["y", "z", "yz"], { minLength: 1 }),
  client: fc.constantFrom(undefined, "anonymous", "0123456789abcdef"),
});

/** Two requests, of which the second is the first one with at most one part changed. */
const similar = few.chain((request) =>
  fc.tuple(
    fc.constant(request),
    fc.oneof(
      fc.constant(request),
      few,
      few.map(({ inputs }) => ({ ...request, inputs })),
      few.map(({ outputs }) => ({ ...request, outputs })),
      few.map(({ client }) => ({ ...request, client })),
      fc
        .constantFrom(...DATATYPES)
        .map((datatype) => ({ ...request, inputs: reread(request.inputs, datatype) })),
    ),
  ),
);

/** The same bytes as elements of another datatype, where they are valid. */
function reread(inputs: readonly LogicalTensor[], datatype: Datatype): LogicalTensor[] {
  return inputs.map((input) => {
    const isWord = (name: Datatype): boolean => name.startsWith("INT") || name.startsWith("UINT");
    const width = (name: Datatype): string => name.replace(/\D+/, "");
    const fits =
      isWord(datatype) && isWord(input.datatype) && width(datatype) === width(input.datatype);
    const isSmall = input.elements.every((element) => element === 0 || element === 1);
    return fits && isSmall ? { ...input, datatype } : input;
  });
}

test("two requests have the same key if and only if they have the same model, inputs and outputs", async () => {
  const seen = { equal: 0, different: 0 };
  await fc.assert(
    fc.asyncProperty(similar, async ([first, second]) => {
      const [one, two] = await Promise.all(
        [first, second].map(({ inputs, outputs, client }) =>
          predictionKey(manifest, inputs.map(toTensor), outputs, client),
        ),
      );
      const isEqual = canonicalText(first) === canonicalText(second);
      seen[isEqual ? "equal" : "different"]++;
      expect(one === two).toBe(isEqual);
    }),
    { numRuns: 3000 },
  );
  expect(seen.equal).toBeGreaterThan(300);
  expect(seen.different).toBeGreaterThan(300);
});

/** A unique text for a request: elements by name, independent of the code under test. */
function canonicalText({ inputs, outputs, client }: Question): string {
  const spell = (element: unknown): string =>
    Object.is(element, -0) ? "-0" : `${typeof element} ${element}`;
  return JSON.stringify([
    inputs.map(({ elements, ...rest }) => [rest, elements.map(spell)]),
    outputs,
    client ?? null,
  ]);
}

describe("the prediction key", () => {
  const inputs = [toTensor({ name: "x", datatype: "FP32", shape: [2], elements: [1, 2] })];
  const keyOf = (changes: object): Promise<string> =>
    predictionKey(createManifest(changes), inputs, ["y"], undefined);
  const tabular = { type: "tabular", version: 1, input: "x", columns: ["a"] };
  const regression = { type: "regression", version: 1, output: "y" };

  test("the key is the documented digest", async () => {
    // SHA-256 by another implementation, over the documented form.
    const head = `[1,"${DIGEST}",null,null,null,["y"],[["x","FP32",[2],8]]]`;
    const expected = createHash("sha256")
      .update(head)
      .update(Buffer.from("0000803f00000040", "hex"))
      .digest("hex");
    expect(await keyOf({})).toBe(expected + DIGEST.slice(0, 32));
    expect(expected).toBe("8c829d527573e9cb538bd3236d5864180a3f0347dd95f66b89147b34e942013c");
  });

  test("the key depends on large data by its digest", async () => {
    const data = new Uint8Array(5000).map((_, index) => index % 256);
    const large: Tensor = { name: "x", datatype: "UINT8", shape: [5000], data };
    const head = `[1,"${DIGEST}",null,null,null,["y"],[["x","UINT8",[5000],5000]]]`;
    const expected = createHash("sha256")
      .update(head)
      .update(createHash("sha256").update(data).digest())
      .digest("hex");
    const key = await predictionKey(manifest, [large], ["y"], undefined);
    expect(key).toBe(expected + DIGEST.slice(0, 32));
    expect(expected).toBe("2e50bb0157f323de23da660b16a22e52ff7a057a0e37d20b6875b96f66ff95bb");
  });

  test("a key is one of its own model, and of no other", async () => {
    const other = createManifest({
      files: [{ path: "model.onnx", sha256: "f".repeat(64), sizeBytes: 1 }],
    });
    const key = await keyOf({});
    expect(isKeyOfModel(key, manifest)).toBe(true);
    expect(isKeyOfModel(key, other)).toBe(false);
    const own = "f".repeat(32);
    for (const forged of [
      own,
      key + own,
      key.slice(0, 64),
      `${key.slice(0, 63)}/${own}`,
      [key],
      undefined,
    ])
      expect(isKeyOfModel(forged, other)).toBe(false);
  });

  test.each([
    [
      "another model file",
      { files: [{ path: "model.onnx", sha256: "f".repeat(64), sizeBytes: 1 }] },
    ],
    ["the preprocess block", { preprocess: tabular }],
    ["the postprocess block", { postprocess: regression }],
  ])("the key depends on %s", async (_, changes) => {
    expect(await keyOf(changes)).not.toBe(await keyOf({}));
  });

  test("the key depends on the versions of the preprocess and postprocess blocks", async () => {
    const processed = createManifest({ preprocess: tabular, postprocess: regression });
    // As a later version of this program may have them.
    const preprocess = { ...processed.preprocess, version: 2 } as unknown as Manifest["preprocess"];
    const postprocess = {
      ...processed.postprocess,
      version: 2,
    } as unknown as Manifest["postprocess"];
    const keys = await Promise.all(
      [processed, { ...processed, preprocess }, { ...processed, postprocess }].map((each) =>
        predictionKey(each as Manifest, inputs, ["y"], undefined),
      ),
    );
    expect(new Set(keys).size).toBe(3);
  });

  test.each([
    ["the model's name", { name: "other" }],
    ["the version's number", { version: "2" }],
    ["the file's name", { file: "b", files: [{ path: "b", sha256: DIGEST, sizeBytes: 2 }] }],
    ["a description", { description: "Classifies flowers." }],
    ["the day of publication", { createdAt: "2027-01-01T00:00:00Z" }],
    ["the ttl", { cache: { enabled: true, ttlSeconds: 60 } }],
  ])("the key does not depend on %s", async (_, changes) => {
    expect(await keyOf(changes)).toBe(await keyOf({}));
  });

  test("the key does not depend on the order of inputs and outputs", async () => {
    const tensors = ["a", "b", "c"].map((name) =>
      toTensor({ name, datatype: "UINT8", shape: [1], elements: [1] }),
    );
    const keys = await Promise.all([
      predictionKey(manifest, tensors, ["y", "z"], undefined),
      predictionKey(manifest, tensors.toReversed(), ["z", "y"], undefined),
    ]);
    expect(keys[0]).toBe(keys[1]);
  });

  test.each([4095, 4096, 4097, 600_000])("the key depends on each of %i bytes", async (length) => {
    const data = new Uint8Array(length);
    const keys = [];
    for (const [index, byte] of [
      [0, 0],
      [0, 1],
      [Math.floor(length / 2), 1],
      [length - 1, 1],
    ] as const) {
      const tensor: Tensor = {
        name: "x",
        datatype: "UINT8",
        shape: [length],
        data: data.with(index, byte),
      };
      keys.push(await predictionKey(manifest, [tensor], ["y"], undefined));
    }
    expect(new Set(keys).size).toBe(4);
  });

  test("the key does not depend on where in memory the bytes are", async () => {
    const bytes = toTensorBytes(inputs[0] as Tensor);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const moved = fromTensorBytes({ name: "x", datatype: "FP32" }, [2], shifted.subarray(3));
    expect(await predictionKey(manifest, [moved], ["y"], undefined)).toBe(await keyOf({}));
  });
});
