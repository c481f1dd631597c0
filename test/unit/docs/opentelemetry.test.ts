import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import { ATTRIBUTES } from "../../../src/domain/attribute-names.ts";
import { GEN_AI } from "../../../src/domain/gen-ai.ts";

const page = readFileSync(projectPath("docs", "opentelemetry.md"), "utf8");

test.each([...Object.values(ATTRIBUTES), ...Object.values(GEN_AI)])(
  "docs/opentelemetry.md has the name %s",
  (name) => {
    expect(page).toContain(`\`${name}\``);
  },
);

test("docs/opentelemetry.md has no name that is not exported", () => {
  const names: readonly string[] = [...Object.values(ATTRIBUTES), ...Object.values(GEN_AI)];
  const written = page.matchAll(
    /^\| (`(?:http|rpc|error|faas|cloudflare|geo|onnxflare|gen_ai)\.[^|]*) \|/gm,
  );
  const documented = [...written].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  expect(documented.length).toBeGreaterThan(30);
  expect(documented.filter((name = "") => !names.includes(name) && !name.includes("{"))).toEqual(
    [],
  );
});
