import { Conversation, type Message } from "../../../domain/conversation.ts";
import { ApiError } from "../../../domain/errors.ts";
import { Media } from "../../../domain/media.ts";
import { TokenIds } from "../../../domain/token-ids.ts";
import {
  createJsonNumber,
  fromRawJson,
  isJsonNumber,
  toRawJson,
} from "../../../shared/json-number.ts";
import { MAX_CLONE_BYTES, ownBytes } from "../../../shared/structured-clone.ts";
import { LargeValueWriter, readLargeValue } from "./large-value.ts";

/**
 * A value of a request or a result as it crosses between isolates. A structured clone keeps what JSON has, and bytes. It does not keep
 * classes, nor the numbers of JSON that no double holds ({@link JsonNumber}, raw JSON): these are tagged.
 */
export type WireValue =
  /** Tagged values are of the class `Map`, which JSON does not have. */
  | { readonly value: unknown; readonly isTagged: boolean }
  /** A value that is too large for one message, as {@link LargeValueWriter} writes it. */
  | { readonly large: ReadableStream<Uint8Array> };

/** What is tagged, and how it is made again of its content: JSON, long integers and bytes. */
const TAGS = {
  media: {
    write: (value: unknown) => (value instanceof Media ? [value.type, value.bytes] : undefined),
    read: ([type, bytes]: [string, Uint8Array]) => new Media(type, bytes),
  },
  tokens: {
    write: (value: unknown) => (value instanceof TokenIds ? value.ids : undefined),
    read: (ids: readonly number[]) => new TokenIds(ids),
  },
  conversation: {
    write: (value: unknown) => (value instanceof Conversation ? value.messages : undefined),
    read: (messages: readonly Message[]) => new Conversation(messages),
  },
  number: {
    write: (value: unknown) => (isJsonNumber(value) ? value() : undefined),
    read: createJsonNumber,
  },
  raw: { write: toRawJson, read: fromRawJson },
} as const;
type Tag = keyof typeof TAGS;

const WRITERS = Object.entries(TAGS).map(([tag, { write }]) => ({ tag, write }));

/**
 * @param maxBytes of the value in either form
 * @throws ApiError `out_of_memory` when it has more
 */
export function toWireValue(value: unknown, maxBytes = Number.POSITIVE_INFINITY): WireValue {
  const cloned = new CloneWriter();
  const written = cloned.write(value);
  if (cloned.sizeBytes <= MAX_CLONE_BYTES) return { value: written, isTagged: written !== value };
  refuseLarger(cloned.sizeBytes, maxBytes);
  const large = new LargeValueWriter(tagOf, value);
  refuseLarger(large.sizeBytes, maxBytes);
  return { large: large.toStream() };
}

function refuseLarger(sizeBytes: number, limitBytes: number): void {
  if (sizeBytes <= limitBytes) return;
  throw new ApiError(
    "out_of_memory",
    `The result takes ${sizeBytes} bytes, and the isolate of a model can return ${limitBytes}. Send fewer or smaller inputs.`,
    { details: { sizeBytes, limitBytes } },
  );
}

/**
 * @param maxBytes of a value that crosses as a stream
 * @throws RangeError when it has more
 */
export async function fromWireValue(
  wire: WireValue,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<unknown> {
  if ("large" in wire) return readLargeValue(wire.large, untag, maxBytes);
  return wire.isTagged ? restore(wire.value) : wire.value;
}

/** The tag and the content of a value that is tagged. */
function tagOf(value: object | (() => string)): { tag: string; content: unknown } | undefined {
  for (const { tag, write } of WRITERS) {
    const content = write(value);
    if (content !== undefined) return { tag, content };
  }
  return undefined;
}

function untag(tag: string, content: unknown): unknown {
  const read: (content: never) => unknown = TAGS[tag as Tag].read;
  return read(content as never);
}

/** A number takes up to 9 bytes, and so does the head of a text; whether a character takes one or two is not known. */
const NUMBER_BYTES = 9;
const CHARACTER_BYTES = 2;

/** Replaces tagged values. What holds none is not copied. */
class CloneWriter {
  /** What a clone takes at most. */
  sizeBytes = 0;

  write(value: unknown): unknown {
    this.sizeBytes += NUMBER_BYTES;
    if (typeof value === "string") this.sizeBytes += value.length * CHARACTER_BYTES;
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return value;
    if (value instanceof Uint8Array) {
      this.sizeBytes += value.byteLength;
      return ownBytes(value);
    }
    if (Array.isArray(value)) return this.#writeList(value);
    const tagged = tagOf(value as object);
    if (tagged) return new Map([[tagged.tag, this.write(tagged.content)]]);
    return this.#writeFields(value);
  }

  #writeList(list: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (let index = 0; index < list.length; index++) {
      const element = list[index];
      // Lists of numbers are the long ones.
      if (typeof element === "number") {
        this.sizeBytes += NUMBER_BYTES;
        continue;
      }
      const written = this.write(element);
      if (written === element) continue;
      copy ??= [...list];
      copy[index] = written;
    }
    return copy ?? list;
  }

  #writeFields(fields: object): object {
    let copy: Map<string, unknown> | undefined;
    for (const [name, field] of Object.entries(fields)) {
      this.sizeBytes += name.length * CHARACTER_BYTES;
      const written = this.write(field);
      if (written === field) continue;
      copy ??= new Map(Object.entries(fields));
      copy.set(name, written);
    }
    return copy ? Object.fromEntries(copy) : fields;
  }
}

function restore(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (value instanceof Map) {
    for (const [tag, content] of value) return untag(tag, restore(content));
  }
  if (Array.isArray(value)) return value.map(restore);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, restore(field)]));
}
