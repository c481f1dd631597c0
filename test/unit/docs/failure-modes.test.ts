import { existsSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import { ERROR_KINDS } from "../../../src/domain/errors.ts";

/** The tables of docs/failure-modes.md, against the tests that they name and the errors that there are. */

const page = readFileSync(projectPath("docs", "failure-modes.md"), "utf8");

const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (?:fault|---) /.test(line))
  .map((line) => line.slice(1, -1).split("|"))
  .map((cells) => cells.map((cell) => cell.trim()));

/** Each file of a cell, with the tests of it that follow: `` `file` "test", "test" ``. */
function testsIn(cell: string): (readonly [file: string, tests: readonly string[]])[] {
  return [...cell.matchAll(/`([^`]+)`((?:,? "[^"]+")*)/g)].map(([, file = "", names = ""]) => [
    file,
    [...names.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name),
  ]);
}

test.each(rows)("%s: the row has five cells, and its tests exist", (...cells) => {
  expect(cells).toHaveLength(5);
  const tests = testsIn(cells[4] ?? "");
  expect(tests.length).toBeGreaterThan(0);
  for (const [file, names] of tests) {
    const path = projectPath(...file.split("/"));
    expect([file, existsSync(path)]).toEqual([file, true]);
    if (statSync(path).isDirectory()) continue;
    const source = readFileSync(path, "utf8");
    for (const name of names)
      expect([file, name, source.includes(name)]).toEqual([file, name, true]);
  }
});

test("every error that is no fault of the request is in the tables", () => {
  const codes = Object.entries(ERROR_KINDS)
    .filter(([, { status }]) => status >= 500 || status === 429)
    .map(([code]) => code);
  const seen = rows.map(([, client = ""]) => client).join("\n");
  expect(codes.filter((code) => !seen.includes(`\`${code}\``))).toEqual([]);
});

test("the tables name no error that does not exist", () => {
  const seen = rows.flatMap(([, client = ""]) => [...client.matchAll(/`([a-z]+_[a-z_]+)`/g)]);
  const unknown = seen.map(([, code = ""]) => code).filter((code) => !(code in ERROR_KINDS));
  expect(unknown).toEqual([]);
});
