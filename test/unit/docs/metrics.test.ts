import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import type { MetricFamily } from "../../../src/telemetry/prometheus/family.ts";
import { METRIC_FAMILIES } from "../../../src/telemetry/prometheus/registry.ts";

/** The page about metrics, the dashboard and the rules, against the families that there are. */

const page = readFileSync(projectPath("docs", "metrics.md"), "utf8");

test("the page has a row for each family, with its type, labels and meaning", () => {
  const rows = METRIC_FAMILIES.map(({ name, type, help, labels }) => {
    const names = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${names} | ${help} |`;
  });
  const [, table = ""] = page.split("| name | type | labels | what |\n| --- | --- | --- | --- |\n");
  expect(table.split("\n\n")[0]?.split("\n")).toEqual(rows);
});

const SUFFIXES = {
  counter: [""],
  gauge: [""],
  summary: ["_sum", "_count"],
  histogram: ["_bucket", "_sum", "_count"],
};
/** By the names of samples. */
const SERIES = new Map<string, MetricFamily>(
  METRIC_FAMILIES.flatMap((family) =>
    SUFFIXES[family.type].map((suffix) => [`${family.name}${suffix}`, family] as const),
  ),
);

const dashboard = readFileSync(projectPath("examples", "grafana", "onnxflare.json"), "utf8");
const rules = readFileSync(projectPath("examples", "prometheus", "onnxflare.rules.yml"), "utf8");
const cases = readFileSync(projectPath("examples", "prometheus", "onnxflare.test.yml"), "utf8");

/** Each series that a text names, with the labels in its braces. */
function seriesIn(text: string): (readonly [name: string, labels: readonly string[]])[] {
  const found = text.matchAll(/(?<![\w:])((?:onnxflare|nv)_\w+)(?:\{([^{}]*)\})?/g);
  return [...found].map(([, name = "", braces = ""]) => [
    name,
    [...braces.matchAll(/(\w+) ?=/g)].map(([, label = ""]) => label),
  ]);
}

describe.each([
  [
    "the dashboard",
    (JSON.parse(dashboard).panels as { targets?: { expr: string }[] }[])
      .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
      .join("\n"),
  ],
  [
    "the rules",
    rules
      .split("\n")
      .filter((line) => !/summary|description|#/.test(line))
      .join("\n")
      .replace(/model:onnxflare_\w+:rate5m/g, ""),
  ],
  [
    "the tests of the rules",
    cases
      .split("\n")
      .filter((line) => /series:/.test(line))
      .join("\n"),
  ],
])("%s", (_, text) => {
  test("names series that there are, with labels that they have", () => {
    const series = seriesIn(text);
    expect(series.length).toBeGreaterThan(10);
    for (const [name, labels] of series) {
      const family = SERIES.get(name);
      expect([name, family !== undefined]).toEqual([name, true]);
      const known = [...(family?.labels ?? []), ...(family?.type === "histogram" ? ["le"] : [])];
      expect([name, labels.filter((label) => !known.includes(label))]).toEqual([name, []]);
    }
  });
});

test("every alert is tested where it fires", () => {
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  expect(alerts.length).toBeGreaterThan(10);
  for (const alert of alerts) {
    const tests = cases.split("- alertname: ").filter((each) => each.startsWith(`${alert}\n`));
    expect([alert, tests.some((each) => each.includes("exp_alerts:"))]).toEqual([alert, true]);
  }
});
