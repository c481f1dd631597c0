import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import { MEASURES } from "../../../src/domain/answer-comparison/comparison.ts";
import { EVENT_KINDS, SHADOW_SKIPS } from "../../../src/domain/event.ts";

const read = (page: string) => readFileSync(projectPath("docs", page), "utf8");

test.each([...Object.keys(MEASURES), ...SHADOW_SKIPS])("docs/shadow.md explains %s", (name) => {
  expect(read("shadow.md")).toContain(`\`${name}\``);
});

test.each(EVENT_KINDS)("docs/events.md has the kind of events %s", (kind) => {
  expect(read("events.md")).toContain(`"${kind}"`);
});
