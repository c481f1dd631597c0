/** A value of JSON. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/**
 * JSON in the canonical form of RFC 8785: equal values have equal texts, in whatever order their fields are. A field that is
 * `undefined` is absent.
 */
export function toCanonicalJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(toCanonicalJson).join(",")}]`;
  // In the order of UTF-16 code units, as the RFC has it.
  const fields = Object.keys(value)
    .sort()
    .flatMap((name) => {
      const field = value[name];
      return field === undefined ? [] : [`${JSON.stringify(name)}:${toCanonicalJson(field)}`];
    });
  return `{${fields.join(",")}}`;
}

/** `Array.isArray` does not narrow lists that are readonly. */
function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
