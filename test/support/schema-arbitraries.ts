import fc from "fast-check";

export type JsonSchema = Record<string, unknown>;

/** Not `__proto__`, which Ajv does not read. */
const name = fc.oneof(
  fc.constantFrom("a", "b", "name", "naïve", 'quo"te', "back\\slash", "1", ""),
  fc.string({ maxLength: 6, unit: "binary" }).filter((text) => text.isWellFormed()),
);
const bounds = (least: string, most: string, max: number) =>
  fc.tuple(fc.option(fc.nat({ max })), fc.option(fc.nat({ max }))).map(
    ([low, more]): JsonSchema => ({
      ...(low === null ? {} : { [least]: low }),
      ...(more === null ? {} : { [most]: (low ?? 0) + more }),
    }),
  );
const decimals = fc
  .tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.nat({ max: 99_999 }), fc.nat({ max: 4 }))
  .map(
    ([low, more, digits]): JsonSchema => ({
      minimum: low / 10 ** digits,
      maximum: (low + more) / 10 ** digits,
    }),
  );

/** Schemas of which a short text conforms, some of which refer to themselves. */
export const jsonSchemas: fc.Arbitrary<JsonSchema> = fc.letrec<{
  schema: JsonSchema;
  leaf: JsonSchema;
}>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom<JsonSchema>(
      { type: "null" },
      { type: "boolean" },
      { type: "string" },
      { type: "number" },
      { type: ["integer", "null"] },
      { type: "object" },
      { type: "array" },
      {},
    ),
    bounds("minLength", "maxLength", 6).map((size) => ({ type: "string", ...size })),
    fc
      .constantFrom("^[a-c]*$", "b", "^(?:x|yy)+$", "\\d{2}", "[^\\s]$")
      .map((pattern) => ({ type: "string", pattern })),
    fc
      .tuple(fc.integer({ min: -500, max: 500 }), fc.nat({ max: 900 }))
      .map(([minimum, more]) => ({ type: "integer", minimum, maximum: minimum + more })),
    decimals.map((range) => ({ type: "number", ...range })),
    fc
      .uniqueArray(fc.jsonValue({ maxDepth: 1 }), {
        minLength: 1,
        maxLength: 4,
        selector: (value) => JSON.stringify(value),
      })
      .map((values) => ({ enum: values })),
  ),
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie("leaf"),
    fc
      .tuple(
        fc.uniqueArray(fc.tuple(name, tie("schema"), fc.boolean()), {
          maxLength: 4,
          selector: ([key]) => key,
        }),
        fc.option(tie("leaf")),
      )
      .map(([members, others]) => ({
        type: "object",
        properties: Object.fromEntries(members.map(([key, schema]) => [key, schema])),
        required: members.flatMap(([key, , isRequired]) => (isRequired ? [key] : [])),
        additionalProperties: others ?? false,
      })),
    fc
      .tuple(tie("schema"), bounds("minItems", "maxItems", 3))
      .map(([items, size]) => ({ type: "array", items, ...size })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    tie("schema").map((of) => ({ anyOf: [of, { type: "array", items: { $ref: "#" } }] })),
  ),
})).schema;
