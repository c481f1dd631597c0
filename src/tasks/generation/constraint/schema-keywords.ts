import { quoteAll } from "../../../shared/quote.ts";

export type Schema = Readonly<Record<string, unknown>>;

export const VALUE_TYPES = [
  "object",
  "array",
  "string",
  "number",
  "integer",
  "boolean",
  "null",
] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

/** The keywords that say something of values of a type. */
const OF_TYPE: Partial<Readonly<Record<ValueType, readonly string[]>>> = {
  object: ["properties", "required", "additionalProperties", "propertyNames"],
  array: ["items", "prefixItems", "minItems", "maxItems"],
  string: ["pattern", "format", "minLength", "maxLength"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
};
/** Those that stand alone, beside annotations. */
const ALONE = ["$ref", "anyOf", "oneOf", "allOf"] as const;
const OTHERS = ["type", "enum", "const", ...ALONE] as const;
/** What does not say which values a schema accepts. */
const ANNOTATIONS = [
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "discriminator",
  "contentEncoding",
  "contentMediaType",
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
];

export const SCHEMA_KEYWORDS: readonly string[] = [...OTHERS, ...Object.values(OF_TYPE).flat()];

export function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws what `refuse` returns, for a keyword that would not be followed */
export function checkKeywords(schema: Schema, refuse: (message: string) => Error): void {
  const keywords = Object.keys(schema).filter((keyword) => !ANNOTATIONS.includes(keyword));
  const unknown = keywords.filter(
    (keyword) => !SCHEMA_KEYWORDS.includes(keyword) && !hasNoEffect(keyword, schema[keyword]),
  );
  if (unknown.length > 0)
    throw refuse(`has ${quoteAll(unknown)}, and supported are ${SCHEMA_KEYWORDS.join(", ")}`);
  const alone = ALONE.find((keyword) => keyword in schema);
  const beside = keywords.filter(
    (keyword) => keyword !== alone && !hasNoEffect(keyword, schema[keyword]),
  );
  if (alone && beside.length > 0)
    throw refuse(
      `has ${quoteAll([alone])} beside ${quoteAll(beside)}: only annotations may be there`,
    );
}

function hasNoEffect(keyword: string, value: unknown): boolean {
  return keyword === "uniqueItems" && value === false;
}

/**
 * The types of a schema: of `type`, or else those that its keywords are about.
 * @returns `undefined` for any
 */
export function typesOf(
  schema: Schema,
  refuse: (message: string) => Error,
): readonly ValueType[] | undefined {
  const { type } = schema;
  if (type === undefined) {
    const implied = VALUE_TYPES.filter((each) =>
      OF_TYPE[each]?.some((keyword) => keyword in schema),
    );
    return implied.length > 0 ? implied : undefined;
  }
  const types = Array.isArray(type) ? type : [type];
  const wrong = types.find((each) => !VALUE_TYPES.includes(each));
  if (wrong !== undefined || types.length === 0)
    throw refuse(
      `has a wrong type: it must be one of ${VALUE_TYPES.join(", ")}, or a list of them`,
    );
  // Every integer is a number.
  return [...new Set(types)].filter((each) => each !== "integer" || !types.includes("number"));
}
