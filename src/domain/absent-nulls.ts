import { z } from "zod";

/**
 * A JSON value without the optional fields that are `null`: for every schema of a request they are the same as absent, because
 * many clients serialize an unset field so. Required fields and elements of lists keep their `null`.
 */
export function withoutNulls(schema: z.core.$ZodType, value: unknown): unknown {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    const element = unwrap(inner.element);
    const isPlain = !(element instanceof z.ZodObject || element instanceof z.ZodArray);
    return isPlain ? value : value.map((each) => withoutNulls(element, each));
  }
  if (!(inner instanceof z.ZodObject) || !isObject(value)) return value;
  const fields: Readonly<Record<string, z.core.$ZodType>> = inner.shape;
  const changes = Object.entries(fields).flatMap(([name, field]) => {
    if (!Object.hasOwn(value, name)) return [];
    if (value[name] === null) return isOptional(field) ? [[name, undefined] as const] : [];
    const without = withoutNulls(field, value[name]);
    return without === value[name] ? [] : [[name, without] as const];
  });
  if (changes.length === 0) return value;
  const changed = new Map<string, unknown>(changes);
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, field]) => [name, changed.has(name) ? changed.get(name) : field] as const)
      .filter(([, field]) => field !== undefined),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOptional(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable
    ? unwrap(schema.unwrap())
    : schema;
}
