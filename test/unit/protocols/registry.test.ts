import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import { toRoutes } from "../../../src/protocols/operation.ts";
import { PROTOCOLS } from "../../../src/protocols/registry.ts";

/** What no protocol can see by itself. */

const routes = PROTOCOLS.flatMap(({ operations, basePath }) =>
  operations.flatMap((operation) => toRoutes(operation, basePath)),
);

test("no two operations have the same id", () => {
  const ids = routes.map(({ id }) => id);
  expect(ids.toSorted()).toEqual([...new Set(ids)].sort());
});

test("no two operations have the same method and path", () => {
  const paths = routes.map(({ operation, path }) => `${operation.method} ${path}`);
  expect(paths.toSorted()).toEqual([...new Set(paths)].sort());
});

test("each operation that administrators change something with is recorded in the audit log", () => {
  const unrecorded = PROTOCOLS.flatMap(({ operations }) => operations).filter(
    (operation) =>
      operation.kind === "admin" &&
      operation.method !== "get" &&
      // Feedback is data that clients send, thousands of items at once.
      operation.access !== "feedback" &&
      operation.audit === undefined,
  );
  expect(unrecorded.map(({ id }) => id)).toEqual([]);
});

test("a name in the OpenAPI document belongs to one schema", () => {
  const named = new Map<string, unknown>();
  for (const { schemas } of PROTOCOLS)
    for (const [name, schema] of Object.entries({ ...schemas.requests, ...schemas.responses })) {
      expect(named.get(name) ?? schema, name).toBe(schema);
      named.set(name, schema);
    }
});

describe.each(PROTOCOLS)("the protocol $name", ({ basePath, operations, schemas, errors }) => {
  test("describes its errors by one of its schemas", () => {
    expect(Object.keys(schemas.responses)).toContain(errors.schema);
  });

  test("has all of its operations in the README's table of routes", () => {
    const readme = readFileSync(projectPath("README.md"), "utf8");
    const rows = readme.split("\n").filter((line) => line.startsWith("| `"));
    const paths = operations.map((operation) => toRoutes(operation, basePath)[0]?.path ?? "");
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !rows.some((row) => row.includes(`${path}\``)))).toEqual([]);
  });
});
