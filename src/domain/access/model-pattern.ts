/** A name of a model, in which `*` stands for any characters, also none. */
export const MODEL_PATTERN = /^[a-z0-9*][a-z0-9._*-]{0,62}$/;

/**
 * Whether one of the patterns matches the whole name. Takes time in proportion to the length of the pattern times that of the
 * name at most.
 */
export function matchesModel(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => matches(pattern, name));
}

/** The first part must begin the name, the last one must end it, and those between them follow in their order. */
function matches(pattern: string, name: string): boolean {
  const [first = "", ...others] = pattern.split("*");
  const last = others.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first)) return false;
  let from = first.length;
  for (const part of others) {
    const at = name.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return name.length - last.length >= from && name.endsWith(last);
}
