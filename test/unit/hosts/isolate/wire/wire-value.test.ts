import { describe, expect, test } from "vitest";
import { Conversation } from "../../../../../src/domain/conversation.ts";
import { Media } from "../../../../../src/domain/media.ts";
import { TokenIds } from "../../../../../src/domain/token-ids.ts";
import {
  fromWireValue,
  toWireValue,
  type WireValue,
} from "../../../../../src/hosts/isolate/wire/wire-value.ts";
import { parseExactJson } from "../../../../../src/shared/exact-json.ts";
import { fromRawJson } from "../../../../../src/shared/json-number.ts";
import { catchApiError } from "../../../../support/errors.ts";

/** Values of requests and results, by the structured clone of Node, which is that of V8 as workerd's is. */

/** More characters than one message may have. */
const FILLING = "x".repeat(25_165_824);

function cross(value: unknown): Promise<unknown> {
  const wire = toWireValue(value);
  const clone: WireValue =
    "large" in wire
      ? { large: structuredClone(wire.large, { transfer: [wire.large] }) }
      : structuredClone(wire);
  return fromWireValue(clone);
}

const BYTES = Uint8Array.of(1, 2, 3);
const VALUES: Record<string, unknown> = {
  null: null,
  "a text with half a surrogate pair": "a\ud800b",
  "nested lists and objects": { inputs: [[1, 2.5], { a: null, "": [true] }], $: { $: 1 } },
  "an object with a field named __proto__": JSON.parse('{"__proto__": {"a": 1}}'),
  "an integer beyond 2^53": parseExactJson("[9007199254740993]"),
  "-0": [-0, 0],
  "-0 among others": [[-0, "a", null, { a: -0 }], -0],
  media: new Media("image/png", BYTES),
  "media in a list": [new Media("image/png", BYTES), "text", new Media("audio/wav", BYTES)],
  "token ids": [new TokenIds([101, 102])],
  "a conversation": new Conversation([{ role: "user", content: "a", name: "b" }]),
};

describe.each([
  ["in one message", (value: unknown) => value],
  ["in a stream, for it is too large", (value: unknown) => [FILLING, value]],
])("a value crosses %s", (_, wrap) => {
  test.each(Object.entries(VALUES))("and keeps %s", async (_name, value) => {
    const crossed = await cross(wrap(value));
    expect(crossed).toStrictEqual(wrap(value));
  });

  test("and keeps a number that no double holds", async () => {
    const crossed = await cross(wrap(parseExactJson('{"a": [1e400]}')));
    const [value] = [crossed].flat().slice(-1) as { a: (() => string)[] }[];
    expect(value?.a[0]?.()).toBe("1e400");
  });

  test("and keeps raw JSON of a result", async () => {
    const crossed = await cross(wrap({ value: fromRawJson("18446744073709551615") }));
    expect(JSON.stringify([crossed].flat().slice(-1))).toBe('[{"value":18446744073709551615}]');
  });
});

test("a value without anything to tag is not copied", () => {
  const value = { inputs: [[1, 2], ["a"]], parameters: {} };
  expect(toWireValue(value)).toEqual({ value, isTagged: false });
  expect((toWireValue(value) as { value: unknown }).value).toBe(value);
});

test("bytes that are a small part of their buffer do not carry all of it", () => {
  const media = new Media("image/png", new Uint8Array(1_000_000).subarray(10, 20));
  const { value } = toWireValue(media) as { value: Map<string, [string, Uint8Array]> };
  expect(value.get("media")?.[1].buffer.byteLength).toBe(10);
});

test.each([
  ["texts that take more", "a".repeat(20_000_000)],
  ["numbers that take more as JSON", Array<number>(3_000_000).fill(-0.12345678901234568)],
  ["bytes that take more", new Uint8Array(39_000_000)],
])("%s than allowed are refused", (_, value) => {
  const limitBytes = 38_000_000;
  const { details } = catchApiError("out_of_memory", () => toWireValue([value], limitBytes));
  expect(details).toEqual({ limitBytes, sizeBytes: expect.any(Number) });
  expect(toWireValue([value], 100_000_000)).toEqual({ large: expect.any(ReadableStream) });
});

test("a list of millions of numbers takes as much as its JSON", async () => {
  const length = 3_000_000;
  const { large } = toWireValue(new Array(length).fill(-0)) as { large: ReadableStream };
  const bytes = await new Response(large).bytes();
  expect(bytes.byteLength).toBeLessThan(length * "-0,".length + 10);
  const crossed = await fromWireValue({ large: new Blob([bytes]).stream() });
  expect((crossed as number[]).every((number) => Object.is(number, -0))).toBe(true);
});
