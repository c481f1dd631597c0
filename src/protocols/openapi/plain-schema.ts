import type { Schema } from "./openapi-types.ts";

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const ONE = ["items", "additionalProperties", "propertyNames", "not"];
const LIST = ["anyOf", "oneOf", "allOf", "prefixItems"];
const BY_NAME = ["properties", "patternProperties", "$defs"];

/**
 * A JSON Schema in the part of the language that generators of clients read alike:
 * - `default` becomes a sentence of the description: openapi-typescript makes a property with a default mandatory, also
 *   in requests, which may leave it out.
 * - A tuple becomes an array of its length: openapi-python-client cannot read the `items: false` of a tuple.
 */
export function toPlainSchema(schema: Schema): Schema {
  const { default: preset, prefixItems, ...plain } = mapSchemas(schema, toPlainSchema);
  return {
    ...plain,
    ...(Array.isArray(prefixItems) ? toArray(prefixItems) : {}),
    ...(preset === undefined ? {} : { description: describe(plain.description, preset) }),
  };
}

function mapSchemas(schema: Schema, map: (schema: Schema) => Schema): Schema {
  const entries = Object.entries(schema).map(([keyword, value]) => {
    if (ONE.includes(keyword) && isSchema(value)) return [keyword, map(value)];
    if (LIST.includes(keyword) && Array.isArray(value)) return [keyword, value.map(map)];
    if (!BY_NAME.includes(keyword) || !isSchema(value)) return [keyword, value];
    const named = Object.entries(value).map(([name, each]) => [name, map(each as Schema)]);
    return [keyword, Object.fromEntries(named)];
  });
  return Object.fromEntries(entries);
}

function toArray(elements: readonly Schema[]): Schema {
  const different = [...new Map(elements.map((each) => [JSON.stringify(each), each])).values()];
  const [first = {}, ...others] = different;
  return {
    items: others.length === 0 ? first : { anyOf: different },
    minItems: elements.length,
    maxItems: elements.length,
  };
}

function describe(description: unknown, preset: unknown): string {
  const sentence = `Default: \`${JSON.stringify(preset)}\`.`;
  return description === undefined ? sentence : `${description} ${sentence}`;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
