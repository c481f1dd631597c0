import { expect, test } from "vitest";
import { JsonLines } from "../../../../../src/hosts/isolate/worker/json-lines.ts";
import { InvalidReply } from "../../../../../src/hosts/isolate/worker/parse-reply.ts";

const VALUES = [{ part: "naïve ☃ 𝄞" }, { part: [1, null] }, {}, "a", { part: "x".repeat(5000) }];
const BYTES = new TextEncoder().encode(
  VALUES.map((value) => `${JSON.stringify(value)}\n`).join(""),
);

test.each([1, 2, 3, 7, 64, 10_000])("lines in pieces of %i bytes are the same", (size) => {
  const lines = new JsonLines();
  const taken: unknown[] = [];
  for (let start = 0; start < BYTES.length; start += size) {
    lines.add(BYTES.slice(start, start + size));
    while (lines.hasNext) taken.push(lines.take());
  }
  expect(taken).toEqual(VALUES);
});

test("a line is there once its end is", () => {
  const lines = new JsonLines();
  lines.add(new TextEncoder().encode('{"part":'));
  expect(lines.hasNext).toBe(false);
  lines.add(new TextEncoder().encode("1}\n2"));
  expect([lines.hasNext, lines.take(), lines.hasNext]).toEqual([true, { part: 1 }, false]);
});

test("a line that is not JSON, and one without an end, are refused", () => {
  expect(() => new JsonLines().add(new TextEncoder().encode("a\n"))).toThrow(InvalidReply);
  const lines = new JsonLines();
  const chunk = new Uint8Array(2 ** 20).fill(0x20);
  expect(() => {
    for (let chunks = 0; chunks < 40; chunks++) lines.add(chunk);
  }).toThrow(InvalidReply);
});
