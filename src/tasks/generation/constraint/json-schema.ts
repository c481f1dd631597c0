import { ApiError } from "../../../domain/errors.ts";
import { quote, quoteAll } from "../../../shared/quote.ts";
import type { Steps } from "../../text/word-model.ts";
import { FORMAT_NAMES, formatExpression } from "./formats.ts";
import type { GrammarBuilder, Rule, State } from "./grammar.ts";
import { JsonRules } from "./json-values.ts";
import { addBoundedNumber } from "./numbers.ts";
import { type Expression, parseRegularExpression, textsOfLength } from "./regular-expression.ts";
import { isDisjoint, MAX_ENUM_VALUES } from "./schema-choices.ts";
import {
  checkKeywords,
  isObject,
  type Schema,
  typesOf,
  type ValueType,
} from "./schema-keywords.ts";
import { addIntersection, addTexts } from "./texts.ts";

/** Limits of a schema, docs/configuration.md. */
export const MAX_SCHEMAS = 1000;
export const MAX_PROPERTIES = 1000;
export const MAX_PATTERN = 1024;

/**
 * The JSON texts that a schema accepts, without spaces but one after a comma or a colon, with the properties in the order of the
 * schema.
 * @throws ApiError `invalid_request` that names what is not supported, and where
 */
export function addSchema(builder: GrammarBuilder, schema: unknown): Steps<Rule> {
  return new SchemaCompiler(builder, schema).root();
}

class SchemaCompiler {
  readonly #builder: GrammarBuilder;
  readonly #root: unknown;
  readonly #json: JsonRules;
  /** By the object of the schema, so that one that refers to itself is one rule. */
  readonly #rules = new Map<unknown, Rule>();
  readonly #pending: { schema: Schema; path: string; rule: Rule }[] = [];

  constructor(builder: GrammarBuilder, root: unknown) {
    this.#builder = builder;
    this.#root = root;
    this.#json = new JsonRules(builder);
  }

  *root(): Steps<Rule> {
    const rule = this.#ruleOf(this.#root, "$");
    // Not recursive: schemas may refer to one another.
    for (let next = this.#pending.pop(); next; next = this.#pending.pop()) {
      yield* this.#connect(next.rule, next.schema, next.path);
      yield;
    }
    return rule;
  }

  #ruleOf(schema: unknown, path: string): Rule {
    if (schema === true) return this.#json.value();
    if (!isObject(schema)) throw refuse(path, "must be a schema: an object, or true");
    const known = this.#rules.get(schema);
    if (known) return known;
    if (this.#rules.size >= MAX_SCHEMAS)
      throw refuse(path, `is one of more than ${MAX_SCHEMAS} schemas`);
    const rule = this.#builder.rule();
    this.#rules.set(schema, rule);
    this.#pending.push({ schema, path, rule });
    return rule;
  }

  *#connect(rule: Rule, schema: Schema, path: string): Steps<void> {
    checkKeywords(schema, (message) => refuse(path, message));
    const { start, end } = rule;
    if (schema.$ref !== undefined) {
      this.#builder.call(start, this.#resolve(schema.$ref, path), end);
      return;
    }
    const choices = this.#choicesOf(schema, path);
    if (choices) {
      for (const [index, choice] of choices.schemas.entries())
        this.#builder.call(
          start,
          this.#ruleOf(choice, `${path}.${choices.keyword}[${index}]`),
          end,
        );
      return;
    }
    const values = valuesOf(schema, path);
    if (values) {
      this.#builder.literals(start, values, end);
      return;
    }
    const types = typesOf(schema, (message) => refuse(path, message));
    if (!types) {
      this.#builder.call(start, this.#json.value(), end);
      return;
    }
    for (const type of types) yield* this.#connectType(type, start, end, schema, path);
  }

  #choicesOf(schema: Schema, path: string) {
    for (const keyword of ["anyOf", "oneOf", "allOf"] as const) {
      const schemas = schema[keyword];
      if (schemas === undefined) continue;
      if (!Array.isArray(schemas) || schemas.length === 0)
        throw refuse(`${path}.${keyword}`, "must be a list of at least one schema");
      if (keyword === "allOf" && schemas.length > 1)
        throw refuse(`${path}.allOf`, "is only supported with a single schema");
      if (keyword === "oneOf" && !isDisjoint(schemas, (ref) => this.#lookUp(ref, path)))
        throw refuse(
          `${path}.oneOf`,
          "is only supported where its schemas exclude one another by their types, or by a required property with different values of const or enum: use anyOf",
        );
      return { keyword, schemas };
    }
    return undefined;
  }

  *#connectType(
    type: ValueType,
    start: State,
    end: State,
    schema: Schema,
    path: string,
  ): Steps<void> {
    switch (type) {
      case "null":
        this.#builder.literal(start, "null", end);
        break;
      case "boolean":
        this.#builder.literals(start, ["true", "false"], end);
        break;
      case "integer":
      case "number":
        this.#addNumber(type, start, end, schema, path);
        break;
      case "string":
        yield* this.#addText(start, end, schema, path);
        break;
      case "array":
        this.#addArray(start, end, schema, path);
        break;
      case "object":
        this.#addObject(start, end, schema, path);
        break;
    }
  }

  #addNumber(type: "integer" | "number", start: State, end: State, schema: Schema, path: string) {
    const isInteger = type === "integer";
    const bound = (keyword: string): number | undefined => {
      const value = schema[keyword];
      if (value === undefined || typeof value === "number") return value;
      throw refuse(`${path}.${keyword}`, "must be a number");
    };
    const bounds = {
      minimum: bound("minimum"),
      maximum: bound("maximum"),
      exclusiveMinimum: bound("exclusiveMinimum"),
      exclusiveMaximum: bound("exclusiveMaximum"),
    };
    if (Object.values(bounds).every((value) => value === undefined)) {
      this.#builder.call(start, this.#json.number(isInteger), end);
      return;
    }
    try {
      addBoundedNumber(this.#builder, start, end, bounds, isInteger);
    } catch (error) {
      if (error instanceof RangeError) throw refuse(path, `cannot be kept: ${error.message}`);
      throw error;
    }
  }

  *#addText(start: State, end: State, schema: Schema, path: string): Steps<void> {
    const expressions = this.#expressionsOf(schema, path);
    const [first, ...others] = expressions;
    if (!first) {
      this.#builder.call(start, this.#json.text(), end);
      return;
    }
    const [open, close] = [this.#builder.state(), this.#builder.state()];
    this.#builder.literal(start, '"', open);
    this.#builder.literal(close, '"', end);
    yield* this.#addExpressions(open, first, others, close);
  }

  *#addExpressions(from: State, first: Expression, others: Expression[], to: State): Steps<void> {
    const [second, ...more] = others;
    if (!second) {
      yield* addTexts(this.#builder, from, first, to);
      return;
    }
    const part = () => ({ start: this.#builder.state(), end: this.#builder.state() });
    const [left, right] = [part(), part()];
    yield* addTexts(this.#builder, left.start, first, left.end);
    yield* this.#addExpressions(right.start, second, more, right.end);
    yield* addIntersection(this.#builder, from, [left, right], to);
  }

  #expressionsOf({ pattern, format, minLength, maxLength }: Schema, path: string): Expression[] {
    const expressions: Expression[] = [];
    if (pattern !== undefined) {
      if (typeof pattern !== "string" || pattern.length > MAX_PATTERN)
        throw refuse(`${path}.pattern`, `must be a text of ${MAX_PATTERN} characters at most`);
      try {
        expressions.push(parseRegularExpression(pattern));
      } catch (error) {
        throw refuse(`${path}.pattern`, `cannot be followed: ${(error as Error).message}`);
      }
    }
    if (format !== undefined) {
      const expression =
        typeof format === "string" ? formatExpression(format, pattern !== undefined) : undefined;
      if (!expression) throw refuse(`${path}.format`, `must be one of ${FORMAT_NAMES.join(", ")}`);
      expressions.push(expression);
    }
    const [min, max] = sizes(path, ["minLength", minLength], ["maxLength", maxLength]);
    if (min > 0 || max !== Number.POSITIVE_INFINITY) expressions.push(textsOfLength(min, max));
    return expressions;
  }

  #addArray(start: State, end: State, schema: Schema, path: string): void {
    const { items, prefixItems = [] } = schema;
    if (!Array.isArray(prefixItems)) throw refuse(`${path}.prefixItems`, "must be a list");
    if (Array.isArray(items))
      throw refuse(`${path}.items`, "must be a schema: use prefixItems for a list of them");
    const first = prefixItems.map((item, at) => this.#ruleOf(item, `${path}.prefixItems[${at}]`));
    const [min, max] = sizes(path, ["minItems", schema.minItems], ["maxItems", schema.maxItems]);
    const most = items === false ? Math.min(max, first.length) : max;
    if (min > most) throw refuse(path, `cannot have ${min} items: it has ${most} at most`);
    const itemRule = (): Rule =>
      items === undefined ? this.#json.value() : this.#ruleOf(items, `${path}.items`);
    let written = this.#builder.state();
    this.#builder.literal(start, "[", written);
    for (let count = 0; ; count++) {
      if (count >= min) this.#builder.literal(written, "]", end);
      if (count === most) break;
      const item = this.#builder.state();
      if (count === 0) written.epsilon.push(item);
      else this.#builder.separator(written, ",", item);
      const rule = first[count] ?? itemRule();
      // All items from here on are alike.
      const repeats = most === Number.POSITIVE_INFINITY && count >= Math.max(min, first.length, 1);
      const next = repeats ? written : this.#builder.state();
      this.#builder.call(item, rule, next);
      if (repeats) break;
      written = next;
    }
  }

  #addObject(start: State, end: State, schema: Schema, path: string): void {
    const { additionalProperties } = schema;
    const properties = this.#propertiesOf(schema, path);
    const names = Object.keys(properties);
    const isFree = names.length === 0 && additionalProperties === undefined;
    const others =
      additionalProperties === false || (additionalProperties === undefined && !isFree)
        ? undefined
        : this.#ruleOf(additionalProperties ?? true, `${path}.additionalProperties`);
    const required = new Set(requiredOf(schema, path));
    // Nothing is written before `first`, and a comma follows `later`.
    let [first, later] = [this.#builder.state(), this.#builder.state()];
    this.#builder.literal(start, "{", first);
    for (const name of names) {
      const key = this.#builder.state();
      const next = { first: this.#builder.state(), later: this.#builder.state() };
      first.epsilon.push(key);
      this.#builder.separator(later, ",", key);
      const addKey = (from: State, to: State) =>
        this.#builder.literal(from, JSON.stringify(name), to);
      const rule = this.#ruleOf(properties[name], `${path}.properties.${name}`);
      this.#json.addMember(key, addKey, rule, next.later);
      if (!required.has(name)) {
        first.epsilon.push(next.first);
        later.epsilon.push(next.later);
      }
      [first, later] = [next.first, next.later];
    }
    if (others) {
      const key = this.#builder.state();
      first.epsilon.push(key);
      this.#builder.separator(later, ",", key);
      this.#json.addMember(key, this.#keysOf(schema, names, path), others, later);
    }
    for (const state of [first, later]) this.#builder.literal(state, "}", end);
  }

  /** The keys of properties that have no schema of their own. */
  #keysOf({ propertyNames }: Schema, names: readonly string[], path: string) {
    if (propertyNames === undefined || propertyNames === true)
      return (from: State, to: State) => this.#json.addKey(from, names, to);
    if (names.length > 0)
      throw refuse(`${path}.propertyNames`, "is not supported beside properties or required");
    const types = isObject(propertyNames)
      ? typesOf(propertyNames, (message) => refuse(`${path}.propertyNames`, message))
      : undefined;
    const isOfText =
      isObject(propertyNames) && (types?.join() === "string" || "enum" in propertyNames);
    if (!isOfText) throw refuse(`${path}.propertyNames`, "must be a schema of the type string");
    const rule = this.#ruleOf(propertyNames, `${path}.propertyNames`);
    return (from: State, to: State) => this.#builder.call(from, rule, to);
  }

  /** The properties, and those that are only required: these have the schema of all others. */
  #propertiesOf(schema: Schema, path: string): Readonly<Record<string, unknown>> {
    const { properties = {}, additionalProperties = true } = schema;
    if (!isObject(properties)) throw refuse(`${path}.properties`, "must be an object of schemas");
    const missing = requiredOf(schema, path).filter((name) => !Object.hasOwn(properties, name));
    const [first] = missing;
    if (first !== undefined && additionalProperties === false)
      throw refuse(`${path}.required`, `names ${quote(first)}, which is not in properties`);
    const all = Object.fromEntries([
      ...Object.entries(properties),
      ...missing.map((name) => [name, additionalProperties] as const),
    ]);
    const names = Object.keys(all);
    if (names.length > MAX_PROPERTIES)
      throw refuse(`${path}.properties`, `are more than ${MAX_PROPERTIES}`);
    const broken = names.find((name) => !name.isWellFormed());
    if (broken !== undefined)
      throw refuse(`${path}.properties`, "have a name with half of a surrogate pair");
    return all;
  }

  #resolve(ref: unknown, path: string): Rule {
    return this.#ruleOf(this.#lookUp(ref, path), String(ref));
  }

  /** What a reference within the schema refers to. */
  #lookUp(ref: unknown, path: string): unknown {
    if (typeof ref !== "string" || !/^#(\/|$)/.test(ref))
      throw refuse(`${path}.$ref`, 'must refer to this schema: "#", or "#/$defs/name"');
    let found: unknown = this.#root;
    for (const part of ref.slice(2).split("/")) {
      if (ref === "#") break;
      const name = decode(part).replaceAll("~1", "/").replaceAll("~0", "~");
      const isIn = typeof found === "object" && found !== null && Object.hasOwn(found, name);
      if (!isIn) throw refuse(`${path}.$ref`, `refers to ${quote(ref)}, which does not exist`);
      found = (found as Record<string, unknown>)[name];
    }
    return found;
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The values of `enum` or `const`, as JSON. */
function valuesOf(schema: Schema, path: string): readonly string[] | undefined {
  if (schema.enum === undefined && schema.const === undefined) return undefined;
  const given = schema.enum === undefined ? [schema.const] : schema.enum;
  if (!Array.isArray(given) || given.length === 0 || given.length > MAX_ENUM_VALUES)
    throw refuse(`${path}.enum`, `must be a list of 1 to ${MAX_ENUM_VALUES} values`);
  const types = typesOf({ type: schema.type }, (message) => refuse(path, message));
  const constant = JSON.stringify(schema.const);
  const values = given.filter(
    (value) =>
      (types === undefined || types.some((type) => isOfType(value, type))) &&
      (schema.const === undefined || JSON.stringify(value) === constant),
  );
  if (values.length === 0) throw refuse(path, "has no value of its type");
  return values.map((value) => JSON.stringify(value));
}

function isOfType(value: unknown, type: ValueType): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function requiredOf({ required = [] }: Schema, path: string): readonly string[] {
  if (Array.isArray(required) && required.every((name) => typeof name === "string"))
    return [...new Set(required)];
  throw refuse(`${path}.required`, "must be a list of names");
}

type Size = readonly [keyword: string, value: unknown];

function sizes(path: string, least: Size, most: Size): [min: number, max: number] {
  const [min = 0, max = Number.POSITIVE_INFINITY] = [least, most].map(([keyword, value]) => {
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    throw refuse(`${path}.${keyword}`, "must be an integer from 0");
  });
  if (min > max) throw refuse(path, `cannot be kept: ${least[0]} is above ${most[0]}`);
  return [min, max];
}

function refuse(path: string, message: string): ApiError {
  return new ApiError(
    "invalid_request",
    `"grammar" cannot be followed: ${quotePath(path)} ${message}.`,
    {
      details: { field: "grammar" },
    },
  );
}

function quotePath(path: string): string {
  return quoteAll([path]);
}
