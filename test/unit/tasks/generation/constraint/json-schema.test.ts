import { Ajv2020 } from "ajv/dist/2020.js";
import formatsPlugin from "ajv-formats";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { ApiError } from "../../../../../src/domain/errors.ts";
import type { Grammar } from "../../../../../src/domain/grammar.ts";
import { compile, randomNumbers, randomText } from "../../../../support/constrained-texts.ts";
import { type JsonSchema, jsonSchemas } from "../../../../support/schema-arbitraries.ts";

/** Texts of a model without any sense, held to schemas; Ajv says whether they conform. */

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
formatsPlugin.default(ajv);

const NODE: JsonSchema = {
  type: "object",
  properties: {
    value: { type: "number" },
    children: { type: "array", items: { $ref: "#/$defs/node" }, maxItems: 3 },
    next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
  },
  required: ["value", "children", "next"],
  additionalProperties: false,
};

const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  "an object with any members": { type: "object" },
  "any value": {},
  "an object with optional and required properties": {
    type: "object",
    properties: {
      name: { type: "string" },
      age: { type: "integer", minimum: 0, maximum: 130 },
      note: { type: ["string", "null"] },
      tags: {
        type: "array",
        items: { enum: ["a", "b", 1, null, { deep: [true] }] },
        minItems: 1,
        maxItems: 4,
      },
    },
    required: ["name", "tags"],
    additionalProperties: false,
  },
  "a tree that refers to itself": { $ref: "#/$defs/node", $defs: { node: NODE } },
  "a list that refers to its root": {
    type: "array",
    items: { anyOf: [{ type: "boolean" }, { $ref: "#" }] },
    maxItems: 3,
  },
  "objects that a constant tells apart": {
    oneOf: [
      {
        type: "object",
        properties: { kind: { const: "circle" }, radius: { type: "number", exclusiveMinimum: 0 } },
        required: ["kind", "radius"],
      },
      {
        type: "object",
        properties: {
          kind: { const: "square" },
          side: { type: "number", exclusiveMinimum: 0, maximum: 1.5 },
        },
        required: ["kind", "side"],
      },
    ],
  },
  "objects that differ late": {
    anyOf: [
      {
        type: "object",
        properties: { a: { type: "string" }, b: { type: "string" }, c: { type: "integer" } },
        required: ["a", "b", "c"],
      },
      {
        type: "object",
        properties: { a: { type: "string" }, b: { type: "string" }, c: { type: "boolean" } },
        required: ["a", "b", "c"],
      },
    ],
  },
  "recursive choices of the same names": {
    $defs: {
      a: {
        anyOf: [
          { type: "object", properties: { x: { $ref: "#/$defs/a" } }, required: ["x"] },
          {
            type: "object",
            properties: { x: { $ref: "#/$defs/a" }, y: { type: "integer" } },
            required: ["x", "y"],
          },
          { type: "null" },
        ],
      },
    },
    type: "object",
    properties: { root: { $ref: "#/$defs/a" } },
    required: ["root"],
  },
  "names and values with escapes": {
    type: "object",
    properties: {
      'é"\\\n\u2028😀': { const: 'ünï"\\\n\u0001😀' },
      "": { enum: ["/", "\t", "</script>"] },
    },
    required: ['é"\\\n\u2028😀', ""],
  },
  "more members of a type beside declared ones": {
    type: "object",
    properties: { a: { type: "string" }, ab: { type: "boolean" }, 'a"': { type: "null" } },
    required: ["a"],
    additionalProperties: { type: "integer" },
  },
  "members by a pattern of their names": {
    type: "object",
    propertyNames: { pattern: "^[a-z]{2,4}$" },
    additionalProperties: { type: "boolean" },
  },
  "a tuple": {
    type: "array",
    prefixItems: [{ type: "string" }, { type: "integer" }],
    items: false,
    minItems: 2,
  },
  "texts of a length": {
    type: "object",
    properties: {
      a: { type: "string", minLength: 3, maxLength: 12 },
      b: { type: "string", minLength: 1 },
      c: { type: "string", maxLength: 0 },
    },
    required: ["a", "b", "c"],
  },
  "texts by patterns": {
    type: "object",
    properties: {
      a: { type: "string", pattern: '^[A-Z]{2}-\\d{3}(?:/[^\\s"]+)?$' },
      b: { type: "string", pattern: "needle" },
      c: { type: "string", pattern: "^(?:é|[\\u4e00-\\u9fff]{2}|😀+)$" },
      d: { type: "string", pattern: "^[^a-z]+$", maxLength: 5 },
      e: { type: "string", pattern: "^$|^x" },
    },
    required: ["a", "b", "c", "d", "e"],
  },
  "numbers between bounds": {
    type: "object",
    properties: {
      a: { type: "integer", minimum: -17, maximum: 1234 },
      b: { type: "number", minimum: -0.125, maximum: 99.5 },
      c: { type: "number", exclusiveMinimum: 0 },
      d: { type: "integer", exclusiveMinimum: 9, exclusiveMaximum: 11 },
      e: { type: "number", maximum: -3 },
      f: { type: "integer", minimum: 1e6 },
      g: { type: "number", exclusiveMinimum: 0.1, exclusiveMaximum: 0.2 },
    },
    required: ["a", "b", "c", "d", "e", "f", "g"],
  },
  "dozens of lists that are alternatives of one another": {
    $defs: Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [
        `list${index}`,
        {
          anyOf: [
            index === 59 ? { type: "null" } : { $ref: `#/$defs/list${index + 1}` },
            { type: "array", items: { $ref: `#/$defs/list${(index * 3) % 60}` } },
          ],
        },
      ]),
    ),
    $ref: "#/$defs/list0",
  },
  ...Object.fromEntries(
    [
      "date-time",
      "date",
      "time",
      "duration",
      "email",
      "hostname",
      "ipv4",
      "ipv6",
      "uuid",
      "uri",
    ].map((format) => [`the format ${format}`, { type: "string", format }]),
  ),
  "what zod writes": z.toJSONSchema(
    z.object({
      id: z.uuid(),
      mail: z.email(),
      at: z.iso.datetime(),
      day: z.iso.date().nullable(),
      clock: z.iso.time(),
      count: z.int().positive(),
      ratio: z.number().gt(0).lte(1).optional(),
      kind: z.enum(["a", "b"]),
      pair: z.tuple([z.string(), z.number()]),
      scores: z.record(z.string(), z.number()),
      shape: z.discriminatedUnion("type", [
        z.object({ type: z.literal("point"), x: z.number() }),
        z.object({ type: z.literal("text"), text: z.string().min(1).max(8) }),
      ]),
    }),
  ) as JsonSchema,
};

describe.each(Object.entries(SCHEMAS))("%s", (_, schema) => {
  const validate = ajv.compile(schema);
  const grammar = compile({ type: "json", value: schema });

  test.each([1, 2, 3, 4, 5, 6])(
    "conforms with seed %i, whatever the limit of tokens is",
    (seed) => {
      const random = randomNumbers(seed);
      for (const maxTokens of [shortest(grammar), 160, 300 + Math.floor(random() * 300)]) {
        const { text } = randomText(grammar, maxTokens, random);
        expect({ text, errors: errorsOf(validate, text) }).toEqual({ text, errors: [] });
      }
    },
  );
});

test.each<[string, Grammar]>([
  [
    "many values",
    { type: "json", value: { enum: Array.from({ length: 200_000 }, (_, at) => at) } },
  ],
  ["a long value", { type: "json", value: { const: "a".repeat(1_000_000), enum: ["b"] } }],
  [
    "many names",
    { type: "json", value: { required: Array.from({ length: 40_000 }, (_, at) => `${at}`) } },
  ],
  ["a long description", { type: "json", value: { description: "a".repeat(70_000) } }],
  [
    "many edges",
    { type: "regex", value: `[${"!#%'+/13579;=?ACEGIKMOQSUWY_acegikmoqsuwy"}]{0,9000}` },
  ],
  [
    "many bytes",
    {
      type: "regex",
      value: `[${Array.from({ length: 300 }, (_, at) => String.fromCodePoint(0x100 + 2 * at)).join("")}]{0,900}`,
    },
  ],
])("a grammar of %s is refused as too large", (_, grammar) => {
  expect(() => compile(grammar)).toThrow(/^"grammar" is too large/);
});

test("a schema's choices with many values are compared once", () => {
  const value = {
    $defs: { a: { enum: Array.from({ length: 900 }, (_, at) => at) } },
    oneOf: Array.from({ length: 64 }, () => ({ $ref: "#/$defs/a" })),
  };
  expect(() => compile({ type: "json", value })).toThrow(/exclude one another/);
});

test("texts conform to any supported schema", () => {
  fc.assert(
    fc.property(jsonSchemas, fc.integer(), (schema, seed) => {
      using grammar = compile({ type: "json", value: schema });
      const random = randomNumbers(seed);
      const validate = ajv.compile(schema);
      const fewest = shortest(grammar);
      for (const maxTokens of [fewest, Math.max(fewest, 250)]) {
        const { text } = randomText(grammar, maxTokens, random);
        expect({ text, errors: errorsOf(validate, text) }).toEqual({ text, errors: [] });
      }
    }),
    { numRuns: 60 },
  );
});

function errorsOf(validate: ReturnType<typeof ajv.compile>, text: string): unknown[] {
  const value: unknown = JSON.parse(text);
  return validate(value) ? [] : [...(validate.errors ?? [])];
}

/** The fewest tokens of which a text is sure. */
function shortest(grammar: ReturnType<typeof compile>): number {
  try {
    grammar.check(0);
  } catch (error) {
    if (error instanceof ApiError) return Number(error.details?.shortest);
  }
  throw new Error("no text is empty");
}
