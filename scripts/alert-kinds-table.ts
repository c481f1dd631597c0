import { RULE_FIELDS } from "../src/domain/alerts/alert-rule.ts";
import { DEFAULT_RULES } from "../src/domain/alerts/default-rules.ts";
import { kindOf } from "../src/domain/alerts/kinds/registry.ts";

const PLACE = /(<!-- table of kinds -->\n)[\s\S]*?(<!-- end of table -->)/;

/** The page docs/alerts.md with its table of kinds as the program has them. @throws Error for a page without a place for it */
export function withKindsTable(page: string): string {
  if (!PLACE.test(page)) throw new Error("the page has no place for the table of kinds");
  return page.replace(PLACE, (_, begin: string, end: string) => `${begin}${toTable()}\n${end}`);
}

function toTable(): string {
  const rows = DEFAULT_RULES.map((rule) => {
    const { summary, unit, direction, schema } = kindOf(rule);
    const own = Object.keys(schema.shape).filter(
      (name) => name !== "kind" && !(name in RULE_FIELDS),
    );
    const values = rule as unknown as Readonly<Record<string, unknown>>;
    const parameters = own.map((name) => `\`${name}\` (${String(values[name])})`).join(", ");
    const side = direction === "above" ? "over" : "under";
    const cells = [
      `\`${rule.kind}\``,
      `${summary} ${unit}`,
      parameters || "none",
      `${side} ${round(rule.threshold)}`,
      String(round(rule.clearThreshold)),
      `${rule.forSeconds} s, then ${rule.clearSeconds} s`,
      `${rule.windowSeconds} s, from ${rule.minimumRequests} on`,
      rule.severity,
      rule.by,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const heading = [
    "kind",
    "what, and its unit",
    "parameters",
    "fires",
    "clears",
    "for",
    "window, requests",
    "severity",
    "by",
  ];
  return [`| ${heading.join(" | ")} |`, `|${" --- |".repeat(heading.length)}`, ...rows].join("\n");
}

function round(value: number): number {
  return Number(value.toFixed(6));
}
