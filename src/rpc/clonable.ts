import { ApiError } from "../domain/errors.ts";
import { toRawJson } from "../shared/json-number.ts";
import { MAX_CLONE_BYTES } from "../shared/structured-clone.ts";

/** A number or the head of a text takes up to 9 bytes of a message, a character one or two. */
const VALUE_BYTES = 9;
const CHARACTER_BYTES = 2;

/** What a result takes in a message, at most; it is refused when that is too much. */
export class MessageSize {
  bytes = 0;

  /** @throws ApiError `out_of_memory` */
  add(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes <= MAX_CLONE_BYTES) return;
    throw new ApiError(
      "out_of_memory",
      `The result takes more than ${MAX_CLONE_BYTES} bytes, the most that one call returns: request fewer outputs or send fewer inputs, or use HTTP.`,
      { details: { limitBytes: MAX_CLONE_BYTES } },
    );
  }
}

/**
 * A result of a task as it crosses to the Worker that called. A long integer becomes a bigint, which JSON does not have.
 * What needs no change is not copied.
 * @throws ApiError `out_of_memory` for more than a message holds
 */
export function toClonable(value: unknown, size: MessageSize): unknown {
  size.add(VALUE_BYTES);
  if (typeof value === "string") size.add(value.length * CHARACTER_BYTES);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return toClonableList(value, size);
  const raw = toRawJson(value);
  if (raw !== undefined) return /^-?\d+$/.test(raw) ? BigInt(raw) : Number(raw);
  let copy: Record<string, unknown> | undefined;
  for (const [name, field] of Object.entries(value)) {
    size.add(name.length * CHARACTER_BYTES);
    const written = toClonable(field, size);
    if (written === field) continue;
    copy ??= { ...value };
    copy[name] = written;
  }
  return copy ?? value;
}

function toClonableList(list: readonly unknown[], size: MessageSize): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const element = list[index];
    if (typeof element === "number") {
      size.add(VALUE_BYTES);
      continue;
    }
    const written = toClonable(element, size);
    if (written === element) continue;
    copy ??= [...list];
    copy[index] = written;
  }
  return copy ?? list;
}
