import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { toCanonical } from "../../../src/domain/canonical-inputs.ts";
import { Media } from "../../../src/domain/media.ts";

const canonical = async (value: unknown): Promise<string> =>
  JSON.stringify(await toCanonical(value));

test("equal values are the same in whatever order their fields are", async () => {
  const one = await canonical({ a: [{ b: 1, c: undefined }, null], d: "text" });
  expect(await canonical({ d: "text", a: [{ b: 1 }, null] })).toBe(one);
});

test("values of different kinds differ", async () => {
  const values = [
    ["a", "b"],
    { a: "b" },
    [["a", "b"]],
    ["list", ["a", "b"]],
    new Media("a", new TextEncoder().encode("b")),
    new TextEncoder().encode("b"),
    "1",
    1,
    9007199254740993n,
    "\ud800".repeat(5000),
    "\udfff".repeat(5000),
    ["x".repeat(5000), 1],
    ["x".repeat(5001), 1],
  ];
  expect(new Set(await Promise.all(values.map(canonical))).size).toBe(values.length);
});

test("long texts and files are their SHA-256, wherever they are", async () => {
  const digest = (text: string) => createHash("sha256").update(text).digest("hex");
  const text = "\u0001é".repeat(4000);
  expect(await toCanonical({ inputs: [text, "short"] })).toEqual([
    "object",
    [["inputs", ["list", [["text", digest(text)], "short"]]]],
  ]);
  expect(await toCanonical(new Media("audio/wav; rate=1", new TextEncoder().encode("x")))).toEqual([
    "media",
    "audio/wav",
    digest("x"),
  ]);
});
