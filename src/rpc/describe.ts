import { describe } from "../domain/tensor-json.ts";
import { arrayName } from "../domain/tensor-values.ts";

/**
 * A value of another Worker for an error message. Functions and stubs are not asked for their text, which would call them.
 */
export function describeValue(value: unknown): string {
  if (typeof value === "function") return "a function or stub";
  if (ArrayBuffer.isView(value))
    return `${withArticle(arrayName(value))} of ${value.byteLength} bytes`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return describe(value);
  const tag = Object.prototype.toString.call(value).slice("[object ".length, -1);
  return tag === "Object" ? "an object" : withArticle(tag);
}

function withArticle(name: string): string {
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}
