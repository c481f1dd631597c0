import { describe, expect, test } from "vitest";
import { createOpenApiDocument } from "../../../src/protocols/openapi/document.ts";
import type { Schema } from "../../../src/protocols/openapi/openapi-types.ts";
import { toPlainSchema } from "../../../src/protocols/openapi/plain-schema.ts";
import { PROTOCOLS } from "../../../src/protocols/registry.ts";

/** What generators of clients need of the document; `npm run test:openapi` runs two of them. */

const { components, paths } = createOpenApiDocument(PROTOCOLS, "0.0.0");

/** Every schema in a value, with its path; of `properties`, the values. */
function* schemasIn(value: unknown, path: string): Generator<[path: string, schema: Schema]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value) && !path.endsWith("/properties")) yield [path, value as Schema];
  for (const [key, each] of Object.entries(value)) yield* schemasIn(each, `${path}/${key}`);
}
const schemas = [...schemasIn(components.schemas, ""), ...schemasIn(paths, "paths")];

test("arrays have a schema for their items, and none has a tuple", () => {
  const arrays = schemas.filter(([, { type }]) => type === "array");
  expect(arrays.length).toBeGreaterThan(50);
  for (const [path, { items }] of arrays) expect(items, path).toBeTypeOf("object");
  expect(JSON.stringify(components)).not.toMatch(/"prefixItems"|"items":(?:true|false)/);
});

test("no schema refers to itself, directly or through others", () => {
  const references = new Map(
    Object.entries(components.schemas).map(([name, schema]) => {
      const found = JSON.stringify(schema).matchAll(/"#\/components\/schemas\/(\w+)"/g);
      return [name, [...found].map(([, target = ""]) => target)];
    }),
  );
  const visit = (name: string, above: readonly string[]): void => {
    expect(above, `${above.join(" > ")} > ${name}`).not.toContain(name);
    for (const target of references.get(name) ?? []) visit(target, [...above, name]);
  };
  for (const name of references.keys()) visit(name, []);
});

test("fields of requests with a default are optional, and the default is in their description", () => {
  const { EmbeddingsRequest, TaskRequest } = components.schemas;
  expect(EmbeddingsRequest?.required).toEqual(["model", "input"]);
  expect(TaskRequest?.required ?? []).not.toContain("parameters");
  expect(EmbeddingsRequest).toMatchObject({
    properties: {
      encoding_format: { description: expect.stringMatching(/ Default: `"float"`\.$/) },
      truncate: { description: expect.stringMatching(/ Default: `false`\.$/) },
    },
  });
  // openapi-typescript makes such a property mandatory.
  expect(schemas.filter(([, schema]) => "default" in schema && !("enum" in schema))).toEqual([]);
});

test("objects in predictions have names", () => {
  const { TaskResponse, ...others } = components.schemas;
  expect(JSON.stringify(TaskResponse)).not.toContain('"type":"object"');
  expect(Object.keys(others)).toEqual(
    expect.arrayContaining(["LabelScore", "DetectedObject", "ClusterDistance", "Entity"]),
  );
});

test("objects under names that differ only in their case have schemas of their own", () => {
  for (const [path, { properties }] of schemas) {
    const fields = Object.entries((properties ?? {}) as Record<string, Schema>);
    const byName = Map.groupBy(fields, ([name]) => name.replaceAll("_", "").toLowerCase());
    for (const group of [...byName.values()].filter(({ length }) => length > 1))
      for (const [name, schema] of group)
        expect(JSON.stringify(schema), `${path}/${name}`).not.toContain('"properties":');
  }
});

describe("a plain schema", () => {
  test.each<[string, Schema, Schema]>([
    [
      "a tuple of one kind",
      { type: "array", prefixItems: [{ type: "number" }, { type: "number" }], items: false },
      { type: "array", items: { type: "number" }, minItems: 2, maxItems: 2 },
    ],
    [
      "a tuple of two kinds",
      { type: "array", prefixItems: [{ type: "number" }, { type: "string" }], items: false },
      {
        type: "array",
        items: { anyOf: [{ type: "number" }, { type: "string" }] },
        minItems: 2,
        maxItems: 2,
      },
    ],
    [
      "a default without a description",
      { anyOf: [{ type: "number", default: 1 }] },
      { anyOf: [{ type: "number", description: "Default: `1`." }] },
    ],
    [
      "fields that are named as keywords",
      { properties: { default: { type: "string", default: "a" }, items: { type: "number" } } },
      {
        properties: {
          default: { type: "string", description: 'Default: `"a"`.' },
          items: { type: "number" },
        },
      },
    ],
  ])("is made of %s", (_, schema, expected) => {
    expect(toPlainSchema(schema)).toEqual(expected);
  });
});
