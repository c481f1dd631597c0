import { describe, expect, test } from "vitest";
import { z } from "zod";
import { withoutNulls } from "../../../src/domain/absent-nulls.ts";
import { PROTOCOLS } from "../../../src/protocols/registry.ts";

const schema = z.looseObject({
  required: z.string(),
  optional: z.string().optional(),
  defaulted: z.number().default(1),
  nullable: z.string().nullable(),
  any: z.unknown(),
  inner: z.looseObject({ a: z.string().optional(), b: z.string() }).optional(),
  list: z.array(z.looseObject({ a: z.string().optional() })).optional(),
  numbers: z.array(z.number()).optional(),
});

describe("withoutNulls", () => {
  test("drops optional fields that are null, at every depth, and no others", () => {
    const value = JSON.parse(
      `{"required": null, "optional": null, "defaulted": null, "nullable": null, "any": null, "other": null, "__proto__": null,
        "inner": {"a": null, "b": null, "c": null}, "list": [{"a": null}, null, {"a": "x"}], "numbers": [null]}`,
    );
    expect(JSON.stringify(withoutNulls(schema, value))).toBe(
      '{"required":null,"nullable":null,"any":null,"other":null,"__proto__":null,"inner":{"b":null,"c":null},"list":[{},null,{"a":"x"}],"numbers":[null]}',
    );
  });

  test.each([null, 1, "x", [], [null], {}, { list: null, inner: [] }, () => "1e400"])(
    "accepts %j for an object",
    (value) => expect(() => withoutNulls(schema, value)).not.toThrow(),
  );

  test("does not copy a value that has no such field", () => {
    const value = { required: "x", list: [{ a: "x" }], inner: { b: "x" } };
    expect((withoutNulls(schema, value) as typeof value).inner).toBe(value.inner);
  });
});

/** Objects of requests, also those within others. */
function objectsOf(schema: z.core.$ZodType): z.ZodObject[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return objectsOf(schema.unwrap());
  if (schema instanceof z.ZodArray) return objectsOf(schema.element);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(objectsOf);
  if (!(schema instanceof z.ZodObject)) return [];
  return [schema, ...Object.values(schema.shape as z.ZodRawShape).flatMap(objectsOf)];
}

const REQUESTS = PROTOCOLS.flatMap(({ schemas }) => Object.entries(schemas.requests));

test.each(REQUESTS)("an optional field of %s that is null is as good as absent", (_, request) => {
  const objects = objectsOf(request);
  expect(objects.length).toBeGreaterThan(0);
  for (const object of objects)
    for (const [name, field] of Object.entries(object.shape as z.ZodRawShape)) {
      if (!(field as z.ZodType).isOptional() || field instanceof z.ZodUnknown) continue;
      const issues = object.safeParse(withoutNulls(object, { [name]: null })).error?.issues ?? [];
      expect(issues.filter(({ path }) => path[0] === name)).toEqual([]);
    }
});
