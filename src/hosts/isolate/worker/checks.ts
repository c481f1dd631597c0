/** Checks of what is not trusted, made once and run for each request: they create nothing. */
export type Check = (value: unknown) => boolean;

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

export function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export function listOf(item: Check, maxLength = Number.POSITIVE_INFINITY): Check {
  return (value) => {
    if (!Array.isArray(value) || value.length > maxLength) return false;
    // Holes are visited as well.
    for (let index = 0; index < value.length; index++) if (!item(value[index])) return false;
    return true;
  };
}

/** An object whose values are all of a kind. */
export function recordOf(item: Check): Check {
  return (value) => {
    if (!isObject(value)) return false;
    for (const name in value) if (!item(value[name])) return false;
    return true;
  };
}

/** An object with these properties and no others; optional ones may be `undefined`. */
export function objectOf(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const names = Object.keys(required);
  return (value) => {
    if (!isObject(value)) return false;
    for (const name of names) if (!Object.hasOwn(value, name)) return false;
    for (const name in value) {
      if (Object.hasOwn(required, name)) {
        if (!required[name]?.(value[name])) return false;
      } else if (!Object.hasOwn(optional, name)) return false;
      else if (value[name] !== undefined && !optional[name]?.(value[name])) return false;
    }
    return true;
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
