import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildModelIsolate } from "../../../scripts/build-model-isolate.ts";

/** The digest of the code of models' isolates, which is part of their ids. */

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-model-isolate-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

async function digestOf(files: Readonly<Record<string, string>>): Promise<string> {
  const entry = join(folder, "entry.ts");
  const output = join(folder, "code.txt");
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  await buildModelIsolate({ entry, output });
  const [head = ""] = readFileSync(output, "utf8").split("\n");
  return JSON.parse(head.slice("// ".length)).digest;
}

const FILES = {
  "entry.ts":
    'import { ANSWER } from "./task.ts";\nimport data from "./data.bin";\nconsole.log(ANSWER, data);',
  "task.ts": "export const ANSWER = 42;",
  "data.bin": "a snapshot",
  "other.ts": "export const OTHER = 1;",
};

test("the digest is that of the code and its modules, and of nothing else", async () => {
  const digest = await digestOf(FILES);
  expect(digest).toMatch(/^[0-9a-f]{32}$/);
  expect(await digestOf({ ...FILES, "other.ts": "export const OTHER = 2;" })).toBe(digest);
  for (const changed of [{ "task.ts": "export const ANSWER = 43;" }, { "data.bin": "another one" }])
    expect(await digestOf({ ...FILES, ...changed })).not.toBe(digest);
  expect(await digestOf(FILES)).toBe(digest);
});
