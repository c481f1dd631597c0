import type { KeyFields, KeyPatch } from "../../domain/access/stored-key.ts";

/** Applies a merge patch (RFC 7396). An object that is left without fields is removed. */
export function mergePatch(fields: KeyFields, patch: Omit<KeyPatch, "disabled">): unknown {
  return merge(fields, patch);
}

function merge(target: object, patch: object): Record<string, unknown> {
  const merged = new Map<string, unknown>(Object.entries(target));
  for (const [name, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    const next = isObject(value) ? merge(Object(merged.get(name)), value) : value;
    if (next === null || (isObject(next) && Object.keys(next).length === 0)) merged.delete(name);
    else merged.set(name, next);
  }
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
