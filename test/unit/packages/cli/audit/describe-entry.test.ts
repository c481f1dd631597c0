import { expect, test } from "vitest";
import { describeEntries } from "../../../../../packages/cli/src/audit/describe-entry.ts";
import { createOutput } from "../../../../../packages/cli/src/output.ts";
import type { ListedEntry } from "../../../../../src/domain/audit/audit-authority.ts";

const common = {
  by: "key:1f0c2a9b",
  at: "2026-11-30T12:00:00.000Z",
  previous: "",
  hash: "",
} as const;

const lines = (entries: readonly ListedEntry[]): string[] =>
  describeEntries(createOutput(false), entries).split("\n").slice(1);

test("a change is one line, by the entry that says how it ended", () => {
  const entries: ListedEntry[] = [
    {
      ...common,
      seq: 4,
      change: "b",
      phase: "failed",
      operation: "deleteVersion",
      target: { model: "digits", version: "2" },
      errorCode: "version_in_use",
    },
    {
      ...common,
      seq: 3,
      change: "a",
      phase: "done",
      operation: "setAlias",
      target: { alias: "production", model: "digits" },
      details: { actor: "Ada", before: { version: "1" }, after: { version: "2" } },
    },
    { ...common, seq: 2, change: "b", phase: "begun", operation: "deleteVersion" },
    { ...common, seq: 1, change: "a", phase: "begun", operation: "setAlias" },
  ];
  expect(lines(entries)).toEqual([
    "4    2026-11-30T12:00:00.000Z  key:1f0c2a9b        deleteVersion (failed: version_in_use)  digits@2",
    `3    2026-11-30T12:00:00.000Z  Ada (key:1f0c2a9b)  setAlias                                digits@production  {"version":"1"} -> {"version":"2"}`,
  ]);
});

test("a change whose end is not known, an erased and a damaged entry are lines that say so", () => {
  const entries: ListedEntry[] = [
    { seq: 4, hash: "", damaged: true },
    {
      ...common,
      by: "authority",
      seq: 3,
      change: "c",
      phase: "done",
      operation: "eraseAudit",
      erases: [2],
    },
    { ...common, seq: 2, change: "b", phase: "done", operation: "purgeCache", erased: true },
    { ...common, seq: 1, change: "a", phase: "begun", operation: "purgeCache" },
  ];
  const text = lines(entries);
  expect(text[0]).toContain("damaged: onnxflare audit verify");
  expect(text[1]).toMatch(/authority +eraseAudit +of 1 entries$/);
  expect(text[2]).toMatch(/purgeCache +\(erased\)$/);
  expect(text[3]).toMatch(/purgeCache \(end unknown\)$/);
});

test("a text that would forge a line, or clear the screen, is escaped", () => {
  const entry: ListedEntry = {
    ...common,
    seq: 1,
    change: "a",
    phase: "done",
    operation: "setAlias",
    details: { actor: "Eve\n9  fake\u001b[2J" },
  };
  expect(lines([entry])).toHaveLength(1);
  expect(lines([entry])[0]).not.toContain("\u001b");
});
