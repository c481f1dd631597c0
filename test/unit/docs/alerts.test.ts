import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { withKindsTable } from "../../../scripts/alert-kinds-table.ts";
import { projectPath } from "../../../scripts/project.ts";
import { RULE_FIELDS } from "../../../src/domain/alerts/alert-rule.ts";
import { rulesSchema } from "../../../src/domain/alerts/kinds/registry.ts";

const page = readFileSync(projectPath("docs", "alerts.md"), "utf8");

test("the table of kinds is that of the program (npm run schema writes it)", () => {
  expect(withKindsTable(page)).toBe(page);
});

test("the table of fields has each field of a rule", () => {
  const [, section = ""] = page.split("\n## Rules\n");
  const [table = ""] = section.split("\n### ", 1);
  const fields = [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, cell = ""]) => [
    ...cell.matchAll(/\w+/g),
  ]);
  expect(fields.map(([name]) => name).sort()).toEqual([...Object.keys(RULE_FIELDS), "kind"].sort());
});

test("the rules of the example are valid", () => {
  const [, json = ""] = /```json\n([\s\S]*?)\n```/.exec(page) ?? [];
  expect(rulesSchema.safeParse(JSON.parse(json).rules)).toMatchObject({ success: true });
});
