import { Media } from "../../domain/media.ts";
import {
  createJsonNumber,
  fromRawJson,
  isJsonNumber,
  toRawJson,
} from "../../shared/json-number.ts";

/**
 * A value of a request or a result as it crosses between isolates. A structured clone keeps what JSON has, and bytes; it does not keep
 * the numbers of JSON that no double holds ({@link JsonNumber}, raw JSON), and not the class of {@link Media}. These
 * cross as a `Map`, which no JSON text can make.
 */
export interface WireValue {
  readonly value: unknown;
  /** Whether there is a `Map` in it. */
  readonly hasMaps: boolean;
}

type Tag = "media" | "number" | "raw";

/** The value itself where a structured clone keeps all of it, otherwise a copy of what holds the rest. */
export function toWireValue(value: unknown): WireValue {
  const replaced = replace(value);
  return { value: replaced, hasMaps: replaced !== value };
}

export function fromWireValue({ value, hasMaps }: WireValue): unknown {
  return hasMaps ? restore(value) : value;
}

function replace(value: unknown): unknown {
  if (isJsonNumber(value)) return tag("number", value());
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Media) return tag("media", [value.type, ownBytes(value.bytes)]);
  if (ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return replaceElements(value);
  const raw = toRawJson(value);
  if (raw !== undefined) return tag("raw", raw);
  return replaceFields(value);
}

function replaceElements(list: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const element = list[index];
    // Lists of numbers and of texts are the long ones.
    if (typeof element === "number" || typeof element === "string") continue;
    const replaced = replace(element);
    if (replaced === element) continue;
    copy ??= [...list];
    copy[index] = replaced;
  }
  return copy ?? list;
}

function replaceFields(fields: object): object {
  let copy: Map<string, unknown> | undefined;
  for (const [name, field] of Object.entries(fields)) {
    const replaced = replace(field);
    if (replaced === field) continue;
    copy ??= new Map(Object.entries(fields));
    copy.set(name, replaced);
  }
  return copy ? Object.fromEntries(copy) : fields;
}

function restore(value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (value instanceof Map) return untag(value as Map<Tag, never>);
  if (Array.isArray(value)) return value.map(restore);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, restore(field)]));
}

function tag(name: Tag, content: unknown): Map<Tag, unknown> {
  return new Map([[name, content]]);
}

function untag(tagged: Map<Tag, never>): unknown {
  for (const [name, content] of tagged) return RESTORERS[name](content);
  throw new Error("a value without a tag");
}

const RESTORERS: Readonly<Record<Tag, (content: never) => unknown>> = {
  media: ([type, bytes]: [string, Uint8Array]) => new Media(type, bytes),
  number: createJsonNumber,
  raw: fromRawJson,
};

/** A structured clone of a view is one of its whole buffer. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength * OWN_BYTES_FACTOR < bytes.buffer.byteLength ? bytes.slice() : bytes;
}

/** A buffer that is larger by this factor is not sent for the sake of a part of it. */
const OWN_BYTES_FACTOR = 1.25;
