import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import { ERROR_KINDS } from "../../../src/domain/errors.ts";

const page = readFileSync(projectPath("docs", "protocol.md"), "utf8");
const [, section = ""] = page.split("\n## Errors\n");
const [table = ""] = section.split("\n## ", 1);

/** Rows of the table: several codes may share one. */
const statuses = Object.fromEntries(
  [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| (\d{3}) \|/gm)].flatMap(([, codes = "", status]) =>
    [...codes.matchAll(/\w+/g)].map(([code]) => [code, Number(status)]),
  ),
);

test("the table of errors has each code that a client gets, with its status", () => {
  const { client_closed_request: _, ...kinds } = ERROR_KINDS;
  const expected = Object.entries(kinds).map(([code, { status }]) => [code, status]);
  expect(statuses).toEqual(Object.fromEntries(expected));
});
