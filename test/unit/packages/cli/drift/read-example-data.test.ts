import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readExampleData } from "../../../../../packages/cli/src/drift/read-example-data.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-rows-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(name: string, text: string) {
  const file = join(folder, name);
  writeFileSync(file, text);
  return readExampleData(file);
}

test.each([
  ["list.json", "[[1],[2]]", { inputs: [[1], [2]] }],
  [
    "request.json",
    '{"inputs":[[1]],"parameters":{"a":1}}',
    { inputs: [[1]], parameters: { a: 1 } },
  ],
  ["profile.json", '{"schemaVersion":1}', { schemaVersion: 1 }],
  ["lines.jsonl", '{"a":1}\n\r\n{"a":2}\n', { inputs: [{ a: 1 }, { a: 2 }] }],
])("%s is sent as JSON", (name, text, expected) => {
  const { contentType, body, note } = read(name, text);
  expect(contentType).toBe("application/json");
  expect(JSON.parse(body)).toEqual(expected);
  expect(note).toBeUndefined();
});

test("CSV is sent as it is", () => {
  expect(read("table.csv", "a,b\n1,2\n")).toEqual({ contentType: "text/csv", body: "a,b\n1,2\n" });
});

test("of more rows than a profile is made of, as many are taken, from the first to the last ones", () => {
  const lines = Array.from({ length: 25_000 }, (_, index) => `${index}`);
  const table = read("large.csv", ["a", ...lines].join("\n"));
  const rows = table.body.trimEnd().split("\n").slice(1).map(Number);
  expect(rows).toHaveLength(10_000);
  expect(rows[0]).toBe(0);
  expect(rows.at(-1)).toBeGreaterThan(24_990);
  expect(new Set(rows).size).toBe(10_000);
  expect(table.note).toContain("of 25000 rows 10000");
  const list = read("large.json", JSON.stringify(lines));
  expect(JSON.parse(list.body).inputs).toHaveLength(10_000);
});

test("what is no example data is refused, with what it must be", () => {
  expect(() => read("rows.txt", "1")).toThrow(/\.csv, \.json or \.jsonl/);
  expect(() => read("empty.csv", " ")).toThrow(/is empty/);
  expect(() => read("wrong.jsonl", "{}\n{")).toThrow(/line 2/);
  expect(() => readExampleData(join(folder, "none.csv"))).toThrow(/can't be read/);
});
