import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";

/** The threat model of SECURITY.md, against the tests that it names. */

const page = readFileSync(projectPath("SECURITY.md"), "utf8");
const [, section = ""] = page.split("\n## Threat model\n");
const rows = section
  .split("\n## ", 1)
  .flatMap((text) => text.split("\n"))
  .filter((line) => line.startsWith("| "))
  .slice(2)
  .map((line) => line.slice(2, -2).split(" | "));

/** Whether a test or a group of tests has the title, as it is in the source: after `test(`, or alone or after `])(` below `test.each`. */
function hasTest(source: string, title: string): boolean {
  const quoted = `["\`]${title.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")}["\`],`;
  return new RegExp(`^ *(?:(?:test|describe)[.(].*|\\]\\)\\()?${quoted}`, "m").test(source);
}

test("the threat model has who, what, what stops them and tests in each row", () => {
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    expect(row, row[0]).toHaveLength(4);
    for (const cell of row) expect(cell.trim(), row[0]).not.toBe("");
  }
});

describe.each(rows)("%s", (_who, _what, _stops, tests = "") => {
  const named = tests
    .split("<br>")
    .map((each) => /^`(test\/[^`]+\.test\.ts)`: "(.+)"$/.exec(each.trim()) ?? [each, "", ""]);

  test.each(named)("%s exists", (_text, file, title) => {
    expect(file).not.toBe("");
    expect(existsSync(projectPath(file ?? ""))).toBe(true);
    expect(hasTest(readFileSync(projectPath(file ?? ""), "utf8"), title ?? "")).toBe(true);
  });
});

test("a test that does not exist is noticed", () => {
  const source = 'test("a title", () => {});\ntest.each([1])(\n  "another %s",\n  () => {},\n);';
  expect(hasTest(source, "a title")).toBe(true);
  expect(hasTest(source, "another %s")).toBe(true);
  expect(hasTest(source, "a titl")).toBe(false);
  expect(hasTest('expect("a title")', "a title")).toBe(false);
});
