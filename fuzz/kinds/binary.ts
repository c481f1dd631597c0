import type { FuzzKind } from "../fuzz-kind.ts";
import { post } from "../http/request.ts";
import { type JsonNode, toJsonText, toTree } from "../mutate/json-tree.ts";
import { mutateBytes, overwrite } from "../mutate/mutate-bytes.ts";
import { mutateTree } from "../mutate/mutate-json.ts";
import type { Random } from "../random.ts";
import type { SampleTensor } from "../samples/samples.ts";

const DATATYPES = [
  "BOOL",
  "UINT8",
  "INT16",
  "INT64",
  "UINT64",
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
  "BF16",
  "fp32",
  "",
];
const LENGTHS = [0, 1, 2, 3, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff, 0xff_ff_ff_fc, 65_536];

export const binary: FuzzKind = {
  name: "binary",
  description:
    "frames of binary tensors: header length, sizes, shapes, lengths of strings, truncation",
  weight: 12,
  create(random, samples) {
    const { model, inputs } = random.pickWeighted(samples.frames);
    const target = `/v2/models/${model}/infer`;
    if (random.chance(0.06)) {
      const bytes = inputs[0]?.bytes ?? new Uint8Array();
      const body = random.chance(0.5) ? bytes : mutateBytes(bytes, random);
      return post(target, "application/octet-stream", body, [
        ["inference-header-content-length", "0"],
      ]);
    }
    const data = inputs.map((input) => mutateData(input, random));
    const header = Buffer.from(toJsonText(createHeader(inputs, data, random)));
    const frame = Buffer.concat([header, ...data]);
    const body = random.chance(0.15) ? mutateBytes(frame, random) : frame;
    const type = random.pick([
      "application/octet-stream",
      "application/octet-stream",
      "application/json",
      undefined,
    ]);
    return post(target, type, body, createHeaders(header.length, random));
  },
};

function mutateData({ datatype, bytes }: SampleTensor, random: Random): Uint8Array {
  if (random.chance(0.6)) return bytes;
  if (datatype === "BYTES" && random.chance(0.7)) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(random.pick(LENGTHS));
    return overwrite(
      bytes,
      random.pick([0, 4, 8, bytes.length - 4, random.below(bytes.length + 1)]),
      length,
    );
  }
  return mutateBytes(bytes, random);
}

function createHeader(
  inputs: readonly SampleTensor[],
  data: readonly Uint8Array[],
  random: Random,
): JsonNode {
  const declared = inputs.map(({ name, datatype, shape }, index) => ({
    name,
    datatype: random.chance(0.05) ? random.pick(DATATYPES) : datatype,
    shape: random.chance(0.1) ? mutateShape(shape, random) : shape,
    parameters: { binary_data_size: mutateSize(data[index]?.length ?? 0, random) },
  }));
  const tree = toTree({
    inputs: declared,
    ...(random.chance(0.5) ? { parameters: { binary_data_output: true } } : {}),
  });
  return random.chance(0.25) ? mutateTree(tree, random) : tree;
}

function mutateShape(shape: readonly number[], random: Random): unknown[] {
  const changed: unknown[] = [...shape];
  const value = random.pick([0, -1, 2, 1e9, 2 ** 31, 2 ** 53, 1.5, "1", null, [1]]);
  if (random.chance(0.3)) changed.push(value);
  else changed[random.below(shape.length)] = value;
  return changed;
}

function mutateSize(size: number, random: Random): unknown {
  if (random.chance(0.85)) return size;
  return random.pick([
    size + 1,
    size - 1,
    0,
    -1,
    size * 2,
    2 ** 31,
    2 ** 53,
    1e300,
    0.5,
    `${size}`,
    null,
    [size],
  ]);
}

function createHeaders(length: number, random: Random): [string, string][] {
  const name = "inference-header-content-length";
  if (random.chance(0.8)) return [[name, `${length}`]];
  const value = random.pick([
    ...[
      "",
      "0",
      "-1",
      "1e3",
      "0x10",
      `${length}.0`,
      ` ${length} `,
      "4294967296",
      "9".repeat(40),
      "NaN",
      "1,2",
    ],
    ...[length - 1, length + 1, length * 2, length + 1e6].map(String),
  ]);
  return random.pick([
    [[name, value]],
    [
      [name, `${length}`],
      [name, value],
    ],
    [],
  ]);
}
