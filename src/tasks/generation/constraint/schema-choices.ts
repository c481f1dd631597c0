import { isObject, type Schema, VALUE_TYPES } from "./schema-keywords.ts";

/** Limit of a schema, docs/configuration.md. */
export const MAX_ENUM_VALUES = 1000;
/** Each is compared with each. */
export const MAX_EXCLUSIVE_CHOICES = 64;
/** How many references may follow one another. */
const MAX_REFERENCES = 16;

type LookUp = (ref: unknown) => unknown;

/** What a schema tells of its values. */
interface Choice {
  readonly types: ReadonlySet<unknown>;
  /** All values, as JSON. */
  readonly values: ReadonlySet<string> | undefined;
  /** Those of required properties. */
  readonly properties: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Whether no value can be of two of the schemas, as far as their types and constant properties tell. */
export function isDisjoint(schemas: readonly unknown[], lookUp: LookUp): boolean {
  if (schemas.length > MAX_EXCLUSIVE_CHOICES) return false;
  const known = new Map<Schema | undefined, Choice>();
  const choices = schemas.map((schema) => {
    const resolved = resolve(schema, lookUp);
    const choice = known.get(resolved) ?? toChoice(resolved, lookUp);
    known.set(resolved, choice);
    return choice;
  });
  return choices.every((a, at) => choices.slice(at + 1).every((b) => excludes(a, b)));
}

function excludes(a: Choice, b: Choice): boolean {
  if (a.values && b.values && a.values.isDisjointFrom(b.values)) return true;
  const types = a.types.intersection(b.types);
  if (types.size === 0) return true;
  if (types.size > 1 || !types.has("object")) return false;
  for (const [name, values] of a.properties)
    if (b.properties.get(name)?.isDisjointFrom(values)) return true;
  return false;
}

function toChoice(schema: Schema | undefined, lookUp: LookUp): Choice {
  const properties = new Map<string, ReadonlySet<string>>();
  const declared = isObject(schema?.properties) ? schema.properties : {};
  for (const name of Array.isArray(schema?.required) ? schema.required : []) {
    const values = constants(resolve(declared[name], lookUp));
    if (values) properties.set(name, values);
  }
  return { types: typesOf(schema), values: constants(schema), properties };
}

function resolve(schema: unknown, lookUp: LookUp): Schema | undefined {
  let found = schema;
  for (let count = 0; isObject(found) && found.$ref !== undefined; count++) {
    if (count === MAX_REFERENCES) return undefined;
    found = lookUp(found.$ref);
  }
  return isObject(found) ? found : undefined;
}

function constants(schema: Schema | undefined): ReadonlySet<string> | undefined {
  if (schema?.const !== undefined) return new Set([JSON.stringify(schema.const)]);
  if (!Array.isArray(schema?.enum) || schema.enum.length > MAX_ENUM_VALUES) return undefined;
  return new Set(schema.enum.map((value) => JSON.stringify(value)));
}

function typesOf(schema: Schema | undefined): ReadonlySet<unknown> {
  const { type } = schema ?? {};
  const given = type === undefined ? VALUE_TYPES : Array.isArray(type) ? type : [type];
  // Every integer is a number.
  return new Set(given.map((each) => (each === "integer" ? "number" : each)));
}
