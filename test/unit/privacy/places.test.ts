import { globSync, readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import type { SqlStorage } from "../../../src/domain/sql-storage.ts";
import { createAuthority } from "../../../src/guard/authority/authority.ts";
import { TABLES_OF_KEYS } from "../../../src/guard/authority/key-data.ts";
import { createMetricsObject } from "../../../src/monitoring/metrics-object.ts";
import { PLACES, STORE_NAMES } from "../../../src/privacy/places.ts";
import { createTestStorage } from "../../support/sql.ts";

/** That everything in which something could be kept of somebody is a place with a store, or with a reason for having none. */

const read = (...path: string[]): string => readFileSync(projectPath(...path), "utf8");
const named = (field: "bindings" | "prefixes" | "tables" | "modules"): string[] =>
  PLACES.flatMap((place) => place[field] ?? []);

/** The cells of the rows of a table, by its first one. */
function rowsOf(page: string, heading: string): Map<string, readonly string[]> {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const [text = ""] = section.split("\n## ", 1);
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  const cells = rows.slice(1).map((row) => row.slice(2, -2).split(" | "));
  return new Map(cells.map(([first = "", ...others]) => [first, others]));
}

test("each place is in one row of the table of docs/privacy.md, with what, how long, why and how it is erased", () => {
  const rows = rowsOf(read("docs", "privacy.md"), "What is kept");
  expect([...rows.keys()]).toEqual(expect.arrayContaining(PLACES.map(({ name }) => name)));
  expect(rows.size).toBe(PLACES.length);
  for (const [name, cells] of rows) {
    expect(cells, name).toHaveLength(4);
    for (const cell of cells) expect(cell.trim(), name).not.toBe("");
  }
});

test("each store is that of a place, and each place has one or a reason", () => {
  const stores = PLACES.map(({ coverage }) => coverage).filter((each) => typeof each === "string");
  expect(new Set(stores)).toEqual(new Set(STORE_NAMES));
  for (const { coverage } of PLACES)
    if (typeof coverage !== "string") expect(coverage.reason).not.toBe("");
});

test("each binding of wrangler.toml, and each that the service uses, is that of a place", () => {
  const config = parse(read("wrangler.toml"));
  const configured = Object.values(config).flatMap(bindingsIn);
  const used = [...read("src", "env.ts").matchAll(/^ {2}readonly ([A-Z_]+)\??:/gm)].map(
    ([, name]) => name,
  );
  expect(configured).toContain("MODELS");
  expect(used).toContain("KEYS");
  for (const binding of [...configured, ...used]) expect(named("bindings")).toContain(binding);
});

/** The names of bindings in a value of wrangler.toml. */
function bindingsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(bindingsIn);
  if (typeof value !== "object" || value === null) return [];
  const {
    binding,
    name,
    namespace_id: isRateLimit,
    class_name: isObject,
  } = value as Record<string, unknown>;
  const own = typeof binding === "string" ? binding : (isRateLimit ?? isObject) && name;
  return [...(typeof own === "string" ? [own] : []), ...Object.values(value).flatMap(bindingsIn)];
}

describe.each([
  ["R2, binding `MODELS`", ["models/", "uploads/", "captures/", "ready/"]],
  ["KV, binding `CACHE`", ["prediction/", "purge/"]],
])("%s", (heading, known) => {
  test("has only keys of places", () => {
    const keys = [...rowsOf(read("docs", "storage.md"), heading).keys()];
    const prefixes = keys.map((key) => /^`([a-z]+\/)/.exec(key)?.[1]);
    expect(new Set(prefixes)).toEqual(new Set(known));
    for (const prefix of prefixes) expect(named("prefixes")).toContain(prefix);
  });
});

test("the prefixes of keys in src are those of places", () => {
  const sources = globSync("src/storage/*.ts", { cwd: projectPath() }).map((path) => read(path));
  const prefixes = sources.flatMap((text) =>
    [...text.matchAll(/^(?:export )?const [A-Z_]+ = "([a-z]+\/)";$/gm)].map(([, prefix]) => prefix),
  );
  expect(prefixes.length).toBeGreaterThanOrEqual(5);
  for (const prefix of prefixes) expect(named("prefixes")).toContain(prefix);
});

function tablesOf({ sql }: SqlStorage): string[] {
  const rows = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'");
  return [...rows].flatMap(({ name }) =>
    String(name).startsWith("sqlite_") ? [] : [String(name)],
  );
}

describe("the authority", () => {
  const storage = createTestStorage();
  createAuthority(storage);
  const tables = tablesOf(storage);

  test("and METRICS have only tables of places, and those of their migrations", () => {
    const collected = createTestStorage();
    createMetricsObject(collected, () => undefined);
    const all = [...tables, ...tablesOf(collected)];
    expect(all.filter((name) => name !== "migrations").sort()).toEqual(named("tables").sort());
  });

  test("erases each table that names keys by a column", () => {
    const withKeys = tables.filter((table) =>
      [...storage.sql.exec(`SELECT name FROM pragma_table_info('${table}')`)].some(
        ({ name }) => name === "key_id",
      ),
    );
    expect(withKeys.length).toBeGreaterThan(0);
    const erased: string[] = TABLES_OF_KEYS.map(({ table }) => table);
    for (const table of withKeys) expect(erased).toContain(table);
  });
});

/** Keep something only within one call, or what no request has sent. */
const LOCAL = [
  "domain/absent-nulls.ts",
  "guard/principals.ts",
  "guard/tokens/token-principal.ts",
  "guard/tokens/unverified-token.ts",
  "http/accept-encoding.ts",
  "http/cors.ts",
  "http/limit.ts",
  "inference/profiling/prediction-features.ts",
  "inference/profiling/request-features.ts",
  "inference/profiling/tensor-features.ts",
  "inference/retained-bytes.ts",
  "monitoring/accuracy/accuracy-reader.ts",
  "monitoring/accuracy/accuracy.ts",
  "monitoring/accuracy/feedback-log.ts",
  "monitoring/accuracy/feedback-service.ts",
  "monitoring/accuracy/read-truth.ts",
  "monitoring/accuracy/search-segments.ts",
  "monitoring/accuracy/truth-table.ts",
  "monitoring/alerts/alert-table.ts",
  "monitoring/alerts/alerting.ts",
  "monitoring/alerts/deliver.ts",
  "monitoring/alerts/evaluate-rules.ts",
  "monitoring/alerts/group-aggregates.ts",
  "monitoring/collector/collected-data.ts",
  "monitoring/collector/window-table.ts",
  "monitoring/forget.ts",
  "monitoring/live-events.ts",
  "monitoring/drift/windows.ts",
  "monitoring/statistics/classification.ts",
  "monitoring/statistics/estimated-accuracy.ts",
  "telemetry/sampling.ts",
];

test("each module with maps that outlive a call is that of a place", () => {
  const modules = globSync("src/**/*.ts", { cwd: projectPath() })
    .map((path) => path.slice("src/".length))
    .filter((path) => !/^(?:shared|guard\/authority)\//.test(path))
    .filter((path) => {
      const text = read("src", path);
      if (/new (?:LruMap|SingleFlight|CreatedOnce)\b/.test(text)) return true;
      return (
        /^(?:cache|guard|http|inference|monitoring|telemetry)\//.test(path) &&
        /new (?:Map|Set)\b/.test(text)
      );
    })
    .filter((path) => !LOCAL.includes(path));
  expect(modules.length).toBeGreaterThan(20);
  expect(modules.filter((path) => !named("modules").includes(path))).toEqual([]);
  for (const path of named("modules")) expect(read("src", path)).not.toBe("");
});
