import * as z from "zod";
import { inputStatisticsSchema } from "../src/domain/event/input-statistics.ts";
import { outputStatisticsSchema } from "../src/domain/event/output-statistics.ts";
import { EVENT_DEFINITIONS } from "../src/domain/event/registry.ts";
import {
  ANALYTICS_BLOBS,
  ANALYTICS_DOUBLES,
  type AnalyticsColumn,
} from "../src/telemetry/sinks/analytics-engine-sink.ts";

/**
 * The tables of docs/events.md, which stand between comments there: `<!-- table: request -->` and `<!-- end of table -->`.
 */

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  /** A page, or a section of one, that has more about the field. */
  readonly see?: string;
}

/** Fields whose parts have a table of their own. */
const APART = ["inputs", "outputs"];
/** A longer list of values is a text. */
const MAX_VALUES = 8;

const TABLES: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(
    Object.entries(EVENT_DEFINITIONS).map(([kind, { schema }]) => [kind, () => toTable(schema)]),
  ),
  inputs: inputTable,
  outputs: () => toTable(outputStatisticsSchema),
  analytics: () =>
    [analyticsRows("blob", ANALYTICS_BLOBS), analyticsRows("double", ANALYTICS_DOUBLES)].join("\n"),
};

const PLACE = /(<!-- table: ([a-z]+) -->\n)(?:[\s\S]*?)(\n<!-- end of table -->)/g;

/** The page with its tables as the definitions have them. @throws Error for a table that is not known, or is missing */
export function withEventTables(page: string): string {
  const missing = new Set(Object.keys(TABLES));
  const written = page.replace(PLACE, (_, begin: string, name: string, end: string) => {
    const table = TABLES[name];
    if (!table) throw new Error(`there is no table ${name}: ${Object.keys(TABLES).join(", ")}`);
    missing.delete(name);
    return `${begin}\n${table()}\n${end}`;
  });
  if (missing.size > 0)
    throw new Error(`the page has no place for the tables ${[...missing].join(", ")}`);
  return written;
}

function toSchema(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: "input" }) as Schema;
}

function toTable(schema: z.ZodType): string {
  return ["| field | type | what |", "| --- | --- | --- |", ...rowsOf(toSchema(schema), "")].join(
    "\n",
  );
}

function rowsOf({ properties = {}, required = [] }: Schema, before: string): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    // The names of conventions have points of their own.
    const path = name.includes(".") ? name : `${before}${name}`;
    const type = required.includes(name) ? typeOf(field) : `${typeOf(field)}, optional`;
    const row = `| \`${path}\` | ${type} | ${describe(field)} |`;
    if (APART.includes(path)) return [row];
    if (field.properties) return [row, ...rowsOf(field, separated(path))];
    if (field.items?.properties) return [row, ...rowsOf(field.items, separated(`${path}[]`))];
    return [row];
  });
}

function separated(path: string): string {
  return `${path}.`;
}

function describe({ description, see }: Schema): string {
  if (description === undefined) throw new Error("a field of an event has no description");
  const text = description.replaceAll("|", "\\|");
  if (see === undefined) return text;
  const name = see.replace(/^#/, "").replace(/\.md/, "").replaceAll(/[#-]/g, " ");
  return `${text} See [${name}](${see})`;
}

function typeOf({ type, const: constant, enum: values, items, oneOf, anyOf }: Schema): string {
  if (constant !== undefined) return `\`${JSON.stringify(constant)}\``;
  if (values && values.length <= MAX_VALUES)
    return values.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  if (type === "array") return items ? `list of ${typeOf(items)}` : "list";
  if (oneOf ?? anyOf) return "object";
  return type ?? "any";
}

/** A row for each field, with the kinds that have it. */
function inputTable(): string {
  const { oneOf = [], anyOf = oneOf } = toSchema(inputStatisticsSchema);
  const rows = new Map<string, { kinds: string[]; type: string; what: string }>();
  for (const { properties = {}, required = [] } of anyOf) {
    const kind = String(properties.kind?.const);
    for (const [name, field] of Object.entries(properties)) {
      if (name === "kind") continue;
      const type = required.includes(name) ? typeOf(field) : `${typeOf(field)}, optional`;
      const what = describe(field);
      const key = JSON.stringify([name, what]);
      const known = rows.get(key);
      if (known) known.kinds.push(kind);
      else rows.set(key, { kinds: [kind], type, what });
    }
  }
  const lines = [...rows].map(([key, { kinds, type, what }]) => {
    const [name] = JSON.parse(key) as [string];
    const all =
      kinds.length === anyOf.length ? "all" : kinds.map((kind) => `\`${kind}\``).join(", ");
    return `| \`${name}\` | ${all} | ${type} | ${what} |`;
  });
  return ["| field | `kind` | type | what |", "| --- | --- | --- | --- |", ...lines].join("\n");
}

function analyticsRows(kind: string, columns: readonly AnalyticsColumn<string | number>[]): string {
  const rows = columns.map(({ what }, index) => `| \`${kind}${index + 1}\` | ${what} |`);
  return kind === "blob"
    ? ["| column | field |", "| --- | --- |", ...rows].join("\n")
    : rows.join("\n");
}
