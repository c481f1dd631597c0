import { ApiError } from "../domain/errors.ts";
import { JSON_LIMITS, tooMany } from "../protocols/json-structure.ts";
import { clip } from "../shared/quote.ts";
import { describeValue } from "./describe.ts";

/** What has the bytes of a file. */
export type FileSource = Uint8Array | Blob | ReadableStream<Uint8Array>;

/** A file in a value, to be replaced by what is made of it. */
export interface FoundFile {
  readonly path: string;
  readonly source: FileSource;
  replace(value: unknown): void;
}

export interface ReaderOptions {
  /** The most that the value may take, in bytes of its numbers, texts and arrays. */
  readonly maxBytes: number;
  /** Whether bytes are files, and other typed arrays lists of numbers; else typed arrays stay what they are. */
  readonly takesFiles: boolean;
}

type Replace = (value: unknown) => void;

const NUMBER_BYTES = 8;
const TWO_TO_64 = 2n ** 64n;
const LABEL = "The argument";

/**
 * Reads a value of another Worker as its JSON would be read, in place: whatever a structured clone may have that JSON has not is
 * refused, or becomes what JSON has for it. Numbers that are not finite become their names, as in tensors of JSON. What is shared or
 * cyclic is read as often as it occurs, within the limits of JSON.
 */
export class ValueReader {
  readonly #options: ReaderOptions;
  readonly files: FoundFile[] = [];
  /** What was read, without the files that are not in memory yet. */
  sizeBytes = 0;
  #values = 0;
  #containers = 0;
  #strings = 0;
  #longIntegers = 0;
  /** Of the value that is read. */
  readonly #path: (string | number)[] = [];

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /**
   * @param name in messages
   * @param replace takes what a file becomes, if the value is one
   * @throws ApiError `invalid_request`, `body_too_large`, `value_out_of_range`
   */
  read(value: unknown, name: string, replace: Replace = () => undefined): unknown {
    this.#path.push(name);
    const read = this.#read(value, replace);
    this.#path.pop();
    return read;
  }

  #read(value: unknown, replace: Replace): unknown {
    switch (typeof value) {
      case "number":
        this.#count(NUMBER_BYTES);
        return Number.isFinite(value) ? value : String(value);
      case "string":
        this.#countText(value);
        return value;
      case "bigint":
        this.#count(NUMBER_BYTES);
        return this.#toExact(value);
      case "boolean":
      case "undefined":
        return value;
      case "object":
        return value && this.#readObject(value, replace);
      default:
        throw this.#refused(value);
    }
  }

  #readObject(value: object, replace: Replace): unknown {
    if (ArrayBuffer.isView(value)) return this.#readView(value, replace);
    this.#enter();
    if (Array.isArray(value)) return this.#readList(value);
    if (Object.getPrototypeOf(value) === Object.prototype)
      return this.#readFields(value as Record<string, unknown>);
    if (value instanceof ArrayBuffer && this.#options.takesFiles)
      return this.#readView(new Uint8Array(value), replace);
    return this.#readFile(value, replace);
  }

  #enter(): void {
    const { depth, containers } = JSON_LIMITS;
    if (this.#path.length > depth)
      throw new ApiError(
        "invalid_request",
        `${this.#where} is nested too deeply: more than ${depth} arrays and objects inside one another.`,
        { details: { limit: depth } },
      );
    this.#containers += 1;
    if (this.#containers > containers) throw tooMany(containers, "arrays and objects", LABEL);
  }

  #readList(list: unknown[]): unknown[] {
    // Before the loop: a sparse array may be far longer than what it takes.
    this.#addValues(list.length);
    for (let index = 0; index < list.length; index++) {
      const element = list[index];
      if (typeof element === "number" && Number.isFinite(element)) {
        this.sizeBytes += NUMBER_BYTES;
        continue;
      }
      const set: Replace = (value) => {
        list[index] = value;
      };
      this.#path.push(index);
      const read = this.#read(element, set);
      this.#path.pop();
      if (read !== element) set(read);
    }
    this.#count(0);
    return list;
  }

  #readFields(fields: Record<string, unknown>): object {
    const names = Object.keys(fields);
    const { keysOfObject } = JSON_LIMITS;
    if (names.length > keysOfObject) throw tooMany(keysOfObject, "keys in one object", LABEL);
    this.#addValues(names.length);
    for (const name of names) {
      this.#countText(name);
      const set: Replace = (value) => {
        // No assignment, because a field may have the name `__proto__`.
        Object.defineProperty(fields, name, { ...FIELD, value });
      };
      const field = fields[name];
      this.#path.push(name);
      const read = this.#read(field, set);
      this.#path.pop();
      if (read !== field) set(read);
    }
    return fields;
  }

  #readView(view: ArrayBufferView, replace: Replace): unknown {
    // A view keeps all of its buffer in memory.
    this.#count(view.buffer.byteLength);
    if (!this.#options.takesFiles) return view;
    if (view instanceof Uint8Array) return this.#readFile(view, replace);
    if (view instanceof DataView) throw this.#refused(view);
    const numbers = view as unknown as ArrayLike<number | bigint>;
    this.#enter();
    return this.#readList(Array.from(numbers));
  }

  #readFile(source: object, replace: Replace): unknown {
    if (!this.#options.takesFiles || !isFileSource(source)) throw this.#refused(source);
    this.files.push({ path: this.#where, source, replace });
    return source;
  }

  #toExact(value: bigint): number | bigint {
    // The digits of a longer one may take seconds.
    if (value >= TWO_TO_64 || value <= -TWO_TO_64)
      throw new ApiError("value_out_of_range", `${this.#where} is an integer beyond 64 bits.`);
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    this.#longIntegers += 1;
    const { inexactNumbers } = JSON_LIMITS;
    if (this.#longIntegers > inexactNumbers) throw tooMany(inexactNumbers, "long integers", LABEL);
    return value;
  }

  #addValues(count: number): void {
    this.#values += count;
    const { values } = JSON_LIMITS;
    if (this.#values > values) throw tooMany(values, "values", LABEL);
  }

  #countText(text: string): void {
    this.#count(text.length);
    this.#strings += 1;
    const { strings } = JSON_LIMITS;
    if (this.#strings > strings) throw tooMany(strings, "strings", LABEL);
  }

  #count(bytes: number): void {
    this.sizeBytes += bytes;
    const { maxBytes } = this.#options;
    if (this.sizeBytes > maxBytes) throw argumentTooLarge(maxBytes);
  }

  get #where(): string {
    const [name, ...rest] = this.#path;
    return clip(
      `${name}${rest.map((key) => (typeof key === "number" ? `[${key}]` : `.${clip(key)}`)).join("")}`,
    );
  }

  #refused(value: unknown): ApiError {
    const files = this.#options.takesFiles
      ? ", or a file as a Uint8Array, an ArrayBuffer, a Blob or a ReadableStream of bytes"
      : "";
    return new ApiError(
      "invalid_request",
      `${this.#where} must be a value of JSON or a typed array${files}; got ${describeValue(value)}.`,
    );
  }
}

const FIELD = { configurable: true, enumerable: true, writable: true };

export function argumentTooLarge(limitBytes: number): ApiError {
  return new ApiError(
    "body_too_large",
    `The argument is larger than the limit of ${limitBytes} bytes.`,
    { details: { limitBytes } },
  );
}

function isFileSource(value: object): value is FileSource {
  return value instanceof Uint8Array || value instanceof Blob || value instanceof ReadableStream;
}
