import { type Json, toCanonicalJson } from "../../shared/canonical-json.ts";
import { clip } from "../../shared/quote.ts";
import type { AuditDetails, AuditRecord, JsonObject } from "./audit-entry.ts";

/** Characters of a text, and of the JSON of a field and of an object. An entry has three objects in its details, and its target. */
const MAX_TEXT = 256;
const MAX_FIELD = 1024;
const MAX_OBJECT = 4096;
/** Of lists and objects in one another, and of what each of them has. */
const MAX_DEPTH = 8;
const MAX_ENTRIES = 200;

/** What differs between two states: fields with other values, which in one of them may be absent. */
export function toDifference(
  before: JsonObject,
  after: JsonObject,
): { readonly before: JsonObject; readonly after: JsonObject } {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => textOf(before[name]) !== textOf(after[name]));
  return { before: pick(before, changed), after: pick(after, changed) };
}

/** The fields with these names, as far as the object has them. */
export function pick(value: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) =>
      Object.hasOwn(value, name) && value[name] !== undefined ? [[name, value[name]]] : [],
    ),
  );
}

/** The record, with texts and objects of a bounded size, and without details when there are none. */
export function toBounded({ details = {}, target, ...record }: AuditRecord): AuditRecord {
  const { actor, request, before, after } = details;
  const bounded: AuditDetails = {
    ...(actor !== undefined && { actor: clip(actor.toWellFormed(), MAX_TEXT) }),
    ...(request && { request: boundObject(request) }),
    ...(before && { before: boundObject(before) }),
    ...(after && { after: boundObject(after) }),
  };
  return {
    ...record,
    ...(target && { target: boundObject(target) as Record<string, string> }),
    ...(Object.keys(bounded).length > 0 && { details: bounded }),
  };
}

/** Texts are cut, and what is longer all the same is left out, with its size. */
function boundObject(value: JsonObject): JsonObject {
  let left = MAX_OBJECT;
  const fields: [string, Json][] = [];
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    const bounded = boundValue(field);
    const size = textOf(bounded).length;
    const isShort = size <= MAX_FIELD;
    const kept: Json = isShort ? bounded : `(${size} characters of JSON)`;
    left -= name.length + textOf(kept).length;
    if (left < 0) break;
    fields.push([clip(name), kept]);
  }
  const omitted = Object.keys(value).length - fields.length;
  return Object.fromEntries(left < 0 ? [...fields, ["...", `${omitted} more fields`]] : fields);
}

function boundValue(value: Json, depth = 1): Json {
  if (typeof value === "string") return clip(value.toWellFormed(), MAX_TEXT);
  if (typeof value !== "object" || value === null) return value;
  const isList = Array.isArray(value);
  const size = isList ? value.length : Object.keys(value).length;
  if (depth > MAX_DEPTH || size > MAX_ENTRIES)
    return isList ? `(list of ${size})` : `(object of ${size})`;
  if (isList) return value.map((each: Json) => boundValue(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) =>
      field === undefined
        ? []
        : [[clip(name.toWellFormed(), MAX_TEXT), boundValue(field as Json, depth + 1)]],
    ),
  );
}

function textOf(value: Json | undefined): string {
  return value === undefined ? "" : toCanonicalJson(value);
}
