import * as z from "zod";

/** Where `null` means absent in the values of a schema. */
type Nulls =
  | {
      readonly kind: "object";
      /** Fields that may be left out. */
      readonly optional: readonly string[];
      readonly inner: readonly (readonly [name: string, nulls: Nulls])[];
      /** The fields of an object that has no others: one that is unknown and `null` says nothing either. */
      readonly known: ReadonlySet<string> | undefined;
    }
  | { readonly kind: "list"; readonly element: Nulls };

/** Of each schema, once: a request is walked for a fraction of what its schema takes. */
const KNOWN = new WeakMap<z.core.$ZodType, { readonly nulls: Nulls | undefined }>();

/**
 * A JSON value without the optional fields that are `null`: for every schema of a request they are the same as absent, because
 * many clients serialize an unset field so. So are fields that a schema does not know. Required fields and elements of lists keep their `null`.
 */
export function withoutNulls(schema: z.core.$ZodType, value: unknown): unknown {
  let known = KNOWN.get(schema);
  if (!known) {
    known = { nulls: findNulls(schema) };
    KNOWN.set(schema, known);
  }
  return known.nulls ? drop(known.nulls, value) : value;
}

/** @returns `undefined` for a schema without optional fields */
function findNulls(schema: z.core.$ZodType): Nulls | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) {
    const element = findNulls(inner.element);
    return element && { kind: "list", element };
  }
  if (!(inner instanceof z.ZodObject)) return undefined;
  const fields = Object.entries<z.core.$ZodType>(inner.shape);
  const optional = fields.flatMap(([name, field]) => (isOptional(field) ? [name] : []));
  const within = fields.flatMap(([name, field]) => {
    const nulls = findNulls(field);
    return nulls ? [[name, nulls] as const] : [];
  });
  const isStrict = inner._zod.def.catchall instanceof z.ZodNever;
  if (optional.length === 0 && within.length === 0 && !isStrict) return undefined;
  const known = isStrict ? new Set(fields.map(([name]) => name)) : undefined;
  return { kind: "object", optional, inner: within, known };
}

function drop(nulls: Nulls, value: unknown): unknown {
  if (nulls.kind === "list")
    return Array.isArray(value) ? value.map((each) => drop(nulls.element, each)) : value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const given = value as Readonly<Record<string, unknown>>;
  let changed: Record<string, unknown> | undefined;
  for (const name of nulls.optional) {
    if (given[name] !== null || !Object.hasOwn(given, name)) continue;
    changed ??= { ...given };
    delete changed[name];
  }
  if (nulls.known)
    for (const name of Object.keys(given)) {
      if (given[name] !== null || nulls.known.has(name)) continue;
      changed ??= { ...given };
      delete changed[name];
    }
  for (const [name, inner] of nulls.inner) {
    if (!Object.hasOwn(given, name) || given[name] === null) continue;
    const without = drop(inner, given[name]);
    if (without === given[name]) continue;
    changed ??= { ...given };
    changed[name] = without;
  }
  return changed ?? value;
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
