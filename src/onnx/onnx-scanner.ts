import { type Field, type FieldRule, Message, type MessageRule } from "./message.ts";
import { decodeText } from "./text.ts";
import {
  FIXED32,
  FIXED64,
  LENGTH_DELIMITED,
  MAX_FIELD,
  MAX_VARINT_BYTES,
  VARINT,
} from "./wire-format.ts";

/** The file is not an ONNX model, or one that cannot be served. The message is a clause that says why. */
export class OnnxError extends Error {
  override readonly name = "OnnxError";
}

/** Protocol buffers refuse deeper nesting as well. */
const MAX_DEPTH = 100;
/** What is kept is names, labels, and locations of files. */
const MAX_VALUE_BYTES = 1_048_576;
/** Longer lists of numbers and longer bytes are skipped: they are no labels. */
const MAX_LIST_BYTES = 131_072;
/** What all kept fields may take together, each counted with what an object takes beside its value. */
const MAX_KEPT_BYTES = 25_165_824;
const FIELD_BYTES = 128;
const NUMBER_BYTES = 32;

/**
 * Reads a file in pieces, in one pass whose time is linear and whose memory is bounded: it keeps the fields that the rules
 * name, with their places, and skips the rest, such as weights.
 */
export class OnnxScanner {
  readonly #root: Message;
  #top: Message;
  #position = 0;
  #step: "tag" | "number" | "length" = "tag";
  #tagStart = 0;
  #lengthStart = 0;
  #field = 0;
  #rule: FieldRule | undefined;
  #varint = 0;
  #varintBytes = 0;
  #number = 0n;
  /** Bytes of the value that are still to come. */
  #remaining = 0;
  #collected: Uint8Array | undefined;
  #keptBytes = 0;

  /** @param sizeBytes of the file */
  constructor(rule: MessageRule, sizeBytes: number) {
    const place = { field: 0, tagStart: 0, lengthStart: 0, start: 0, end: sizeBytes };
    this.#root = new Message({ rule, parent: undefined, ...place });
    this.#top = this.#root;
  }

  /**
   * Reads the next bytes of the file.
   * @throws OnnxError
   */
  write(chunk: Uint8Array): void {
    if (this.#position + chunk.byteLength > this.#root.end)
      throw this.#invalid(`it is longer than the ${this.#root.end} bytes that were announced`);
    for (let at = 0; at < chunk.byteLength; ) {
      if (this.#remaining > 0) at += this.#read(chunk, at);
      else this.#readVarint(chunk[at++] as number);
    }
  }

  /**
   * Ends the file.
   * @returns the message that it is
   * @throws OnnxError when the file is not complete
   */
  finish(): Message {
    if (
      this.#top === this.#root &&
      this.#step === "tag" &&
      this.#varintBytes === 0 &&
      this.#position === this.#root.end
    )
      return this.#root;
    throw this.#invalid("it ends before that is complete");
  }

  /** @returns how many bytes belong to the value */
  #read(chunk: Uint8Array, at: number): number {
    const count = Math.min(this.#remaining, chunk.byteLength - at);
    const collected = this.#collected;
    collected?.set(chunk.subarray(at, at + count), collected.byteLength - this.#remaining);
    this.#remaining -= count;
    this.#position += count;
    if (this.#remaining === 0) this.#endValue();
    return count;
  }

  #readVarint(byte: number): void {
    if (this.#varintBytes === 0) {
      if (this.#step === "tag") this.#tagStart = this.#position;
      else if (this.#step === "length") this.#lengthStart = this.#position;
      this.#varint = 0;
      this.#number = 0n;
    }
    const bits = byte & 0x7f;
    // Exact up to 2^53, which no length in a file exceeds.
    this.#varint += bits * 2 ** (7 * this.#varintBytes);
    if (this.#step === "number" && this.#rule === "number")
      this.#number |= BigInt(bits) << BigInt(7 * this.#varintBytes);
    this.#varintBytes++;
    this.#position++;
    if (byte & 0x80) {
      if (this.#varintBytes === MAX_VARINT_BYTES)
        throw this.#invalid(`it has a number of more than ${MAX_VARINT_BYTES} bytes`);
      return;
    }
    this.#varintBytes = 0;
    if (this.#step === "tag") this.#beginField(this.#varint);
    else if (this.#step === "length") this.#beginBytes(this.#varint);
    else {
      if (this.#rule === "number") this.#keep(BigInt.asIntN(64, this.#number));
      this.#endField();
    }
  }

  #beginField(tag: number): void {
    this.#field = Math.floor(tag / 8);
    if (this.#field === 0 || this.#field > MAX_FIELD)
      throw this.#invalid(`it has a field of number ${this.#field}`);
    this.#rule = this.#top.rule.ruleOf(this.#field, this.#top);
    const wireType = tag % 8;
    if (wireType === VARINT) this.#step = "number";
    else if (wireType === LENGTH_DELIMITED) this.#step = "length";
    else if (wireType === FIXED32) this.#skip(4);
    else if (wireType === FIXED64) this.#skip(8);
    else throw this.#invalid(`it has a field of wire type ${wireType}`);
  }

  #beginBytes(length: number): void {
    const { end } = this.#top;
    if (this.#position + length > end)
      throw this.#invalid(
        `it has a field of ${length} bytes, of which only ${Math.max(0, end - this.#position)} are there`,
      );
    if (length > MAX_LIST_BYTES) {
      if (this.#rule === "number") this.#rule = undefined;
      if (this.#rule === "bytes") this.#rule = "place";
    }
    const rule = this.#rule;
    if (typeof rule === "object") this.#beginMessage(rule, length);
    else if (rule === undefined || rule === "place") this.#skip(length);
    else {
      if (length > MAX_VALUE_BYTES)
        throw this.#invalid(`it has a text of ${length} bytes, more than ${MAX_VALUE_BYTES}`);
      this.#collected = new Uint8Array(length);
      this.#skip(length);
    }
  }

  #beginMessage(rule: MessageRule, length: number): void {
    if (this.#top.depth === MAX_DEPTH)
      throw this.#invalid(`it is nested more than ${MAX_DEPTH} levels deep`);
    this.#top = new Message({
      rule,
      parent: this.#top,
      field: this.#field,
      tagStart: this.#tagStart,
      lengthStart: this.#lengthStart,
      start: this.#position,
      end: this.#position + length,
    });
    this.#step = "tag";
    this.#endMessages();
  }

  #skip(length: number): void {
    this.#remaining = length;
    if (length === 0) this.#endValue();
  }

  #endValue(): void {
    const collected = this.#collected;
    this.#collected = undefined;
    if (collected) this.#keep(this.#decode(collected));
    else if (this.#rule === "place") this.#keep(undefined);
    this.#endField();
  }

  #decode(bytes: Uint8Array): Field["value"] {
    if (this.#rule === "bytes") return bytes;
    // A label may have other bytes, which then are no text.
    if (this.#rule === "text") return decodeText(bytes) ?? bytes;
    return decodePackedNumbers(bytes, (why) => this.#invalid(why));
  }

  #keep(value: Field["value"]): void {
    const kept = { field: this.#field, start: this.#tagStart, end: this.#position, value };
    this.#top.fields.push(kept);
    this.#count(FIELD_BYTES + valueSize(value));
  }

  #count(bytes: number): void {
    this.#keptBytes += bytes;
    if (this.#keptBytes > MAX_KEPT_BYTES)
      throw this.#invalid(`it has more names than fit in ${MAX_KEPT_BYTES} bytes`);
  }

  #endField(): void {
    this.#step = "tag";
    this.#endMessages();
  }

  #endMessages(): void {
    while (this.#top !== this.#root && this.#position >= this.#top.end) {
      const message = this.#top;
      const { parent, field, tagStart, end, rule } = message;
      if (this.#position > end || !parent)
        throw this.#invalid(`it has a ${rule.name} whose last field ends after it`);
      const before = sizeOf(message);
      const isKept = rule.isKept?.(message) ?? true;
      message.keptBytes = sizeOf(message);
      this.#count((isKept ? FIELD_BYTES + message.keptBytes : 0) - before);
      if (isKept) parent.fields.push({ field, start: tagStart, end, value: message });
      this.#top = parent;
    }
  }

  #invalid(what: string): OnnxError {
    return new OnnxError(
      `the file is not a valid ONNX model: ${what} (${this.#top.rule.name}, byte ${this.#tagStart})`,
    );
  }
}

function sizeOf({ fields }: Message): number {
  let sum = 0;
  for (const { value } of fields) sum += FIELD_BYTES + valueSize(value);
  return sum;
}

function valueSize(value: Field["value"]): number {
  if (value instanceof Message) return value.keptBytes;
  if (Array.isArray(value)) return value.length * NUMBER_BYTES;
  if (typeof value === "string") return value.length;
  return value instanceof Uint8Array ? value.byteLength : 0;
}

function decodePackedNumbers(bytes: Uint8Array, invalid: (why: string) => OnnxError): bigint[] {
  const numbers: bigint[] = [];
  let number = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    number |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte & 0x80) {
      if (shift >= 70n) throw invalid(`it has a number of more than ${MAX_VARINT_BYTES} bytes`);
      continue;
    }
    numbers.push(BigInt.asIntN(64, number));
    number = 0n;
    shift = 0n;
  }
  if (shift > 0n) throw invalid("it has a list whose last number is not complete");
  return numbers;
}
