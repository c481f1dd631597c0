import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeEntry, encodeEntry } from "../../../src/cache/entry.ts";
import type { CacheEntry } from "../../../src/domain/cache.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import { fromTensorBytes } from "../../../src/domain/tensor-bytes.ts";
import { anyTensor, toWireBytes } from "../../support/tensor-arbitraries.ts";

const KEY = "0123456789abcdef".repeat(4);

const anyEntry: fc.Arbitrary<CacheEntry> = fc.record({
  key: fc.constant(KEY),
  model: fc.record({ name: fc.constantFrom("iris", "größe"), version: fc.constantFrom("1", "12") }),
  client: fc.constantFrom(undefined, "0123456789abcdef"),
  createdAt: fc.nat(),
  runMs: fc.double({ min: 0, max: 1e6, noNaN: true }).map((ms) => ms + 0),
  outputs: fc.array(anyTensor, { maxLength: 3 }).map((tensors) =>
    tensors.map((tensor, index) => {
      const spec = { name: `${tensor.name}${index}`, datatype: tensor.datatype };
      return fromTensorBytes(spec, tensor.shape, toWireBytes(tensor));
    }),
  ),
});

const entry: CacheEntry = {
  key: KEY,
  model: { name: "iris", version: "1" },
  client: undefined,
  createdAt: 1_800_000_000_000,
  runMs: 1.5,
  outputs: [
    { name: "label", datatype: "BYTES", shape: [2], data: ["ja", "größer"] },
    { name: "score", datatype: "FP32", shape: [1], data: Uint8Array.of(0, 0, 128, 63) },
  ],
};

test("an entry is unchanged by encoding and decoding", async () => {
  await fc.assert(
    fc.asyncProperty(anyEntry, async (original) => {
      expect(await decodeEntry(await encodeEntry(original), KEY)).toEqual(original);
    }),
    { numRuns: 500 },
  );
});

test("an answer is unchanged by encoding and decoding, and one that was cut off is a miss", async () => {
  const answer: CacheEntry = { ...entry, outputs: [], answer: new TextEncoder().encode('["ä"]') };
  const bytes = await encodeEntry(answer);
  expect(await decodeEntry(bytes, KEY)).toEqual(answer);
  expect(await decodeEntry(bytes.slice(0, -1), KEY)).toBeUndefined();
});

test("an encoded entry has the documented format", async () => {
  const bytes = Buffer.from(await encodeEntry(entry));
  const headLength = bytes.readUInt32LE(12);
  const head = JSON.parse(bytes.toString("utf8", 16, 16 + headLength));
  expect(bytes.toString("latin1", 0, 4)).toBe("OFC1");
  const digest = createHash("sha256").update(bytes.subarray(12)).digest("hex");
  expect(bytes.toString("hex", 4, 12)).toBe(digest.slice(0, 16));
  expect(head).toEqual({
    key: KEY,
    model: { name: "iris", version: "1" },
    createdAt: 1_800_000_000_000,
    runMs: 1.5,
    outputs: [
      { name: "label", datatype: "BYTES", shape: [2], sizeBytes: 18 },
      { name: "score", datatype: "FP32", shape: [1], sizeBytes: 4 },
    ],
  });
  expect(bytes.toString("hex", 16 + headLength)).toBe(
    ["02000000", "6a61", "08000000", "6772c3b6c39f6572", "0000803f"].join(""),
  );
});

test("an entry is decoded from the middle of a buffer", async () => {
  const bytes = await encodeEntry(entry);
  const larger = new Uint8Array(bytes.length + 10).fill(255);
  larger.set(bytes, 5);
  expect(await decodeEntry(larger.subarray(5, 5 + bytes.length), KEY)).toEqual(entry);
});

describe("bytes that are not a valid entry of the key", () => {
  test("an entry of another key is not decoded", async () => {
    const bytes = await encodeEntry({ ...entry, key: "f".repeat(64) });
    expect(await decodeEntry(bytes, KEY)).toBeUndefined();
  });

  test("an entry that is truncated at any byte is not decoded", async () => {
    const bytes = await encodeEntry(entry);
    const decoded = await Promise.all(
      Array.from(bytes, (_, length) => decodeEntry(bytes.subarray(0, length), KEY)),
    );
    expect(decoded.length).toBe(bytes.length);
    expect(new Set(decoded)).toEqual(new Set([undefined]));
  });

  test("an entry with any bit flipped is not decoded", async () => {
    const bytes = await encodeEntry(entry);
    const decoded = await Promise.all(
      Array.from({ length: bytes.length * 8 }, (_, bit) => {
        const byte = Math.floor(bit / 8);
        const damaged = bytes.with(byte, (bytes[byte] ?? 0) ^ (1 << (bit % 8)));
        return decodeEntry(damaged, KEY);
      }),
    );
    expect(decoded.length).toBe(bytes.length * 8);
    expect(new Set(decoded)).toEqual(new Set([undefined]));
  });

  test("an entry with further bytes is not decoded", async () => {
    const bytes = await encodeEntry(entry);
    expect(await decodeEntry(Uint8Array.of(...bytes, 0), KEY)).toBeUndefined();
  });

  test("random bytes are not decoded", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (garbage) => {
        expect(await decodeEntry(garbage, KEY)).toBeUndefined();
      }),
    );
  });

  test.each([
    ["null", "null"],
    ["a number", "1"],
    ["without outputs", JSON.stringify({ key: KEY })],
    ["with an unknown datatype", withOutputs([{ datatype: "FP8", shape: [1], sizeBytes: 1 }])],
    [
      "with more data than there is",
      withOutputs([{ datatype: "UINT8", shape: [9], sizeBytes: 9 }]),
    ],
    ["with less data than there is", withOutputs([])],
    ["with a wrong shape", withOutputs([{ datatype: "UINT8", shape: [2], sizeBytes: 3 }])],
    ["that is not JSON", "{"],
  ])("an entry with the head %s is not decoded, though its checksum is right", async (_, head) => {
    expect(await decodeEntry(signed(head, Uint8Array.of(1, 2, 3)), KEY)).toBeUndefined();
  });

  test("an entry with a string that is not UTF-8 is not decoded", async () => {
    const head = withOutputs([{ datatype: "BYTES", shape: [1], sizeBytes: 5 }]);
    expect(await decodeEntry(signed(head, Uint8Array.of(1, 0, 0, 0, 65)), KEY)).toMatchObject({
      outputs: [{ data: ["A"] }],
    });
    expect(await decodeEntry(signed(head, Uint8Array.of(1, 0, 0, 0, 255)), KEY)).toBeUndefined();
  });
});

test("a decoded entry does not share memory with its bytes", async () => {
  const bytes = await encodeEntry(entry);
  const decoded = await decodeEntry(bytes, KEY);
  const outputs = decoded?.outputs as readonly Tensor[];
  expect(outputs.map(({ name }) => name)).toEqual(["label", "score"]);
  expect(Buffer.from(outputs[1]?.data as Uint8Array).readFloatLE()).toBe(1);
});

function withOutputs(outputs: readonly object[]): string {
  const named = outputs.map((output) => ({ name: "y", ...output }));
  const model = { name: "iris", version: "1" };
  return JSON.stringify({ key: KEY, model, createdAt: 1, runMs: 1, outputs: named });
}

/** An entry with a correct checksum, encoded by another implementation. */
function signed(head: string, data: Uint8Array): Uint8Array {
  const json = Buffer.from(head);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const covered = Buffer.concat([length, json, data]);
  const checksum = createHash("sha256").update(covered).digest().subarray(0, 8);
  return Buffer.concat([Buffer.from("OFC1"), checksum, covered]);
}
