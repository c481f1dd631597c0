/**
 * What is kept of a field: its number (or packed numbers), its text, its bytes if they are few, its place alone, or the message
 * that it is. Nothing is kept of fields without a rule.
 */
export type FieldRule = "number" | "text" | "bytes" | "place" | MessageRule;

/** Which fields of a message are kept. */
export interface MessageRule {
  /** Its name in onnx.proto, for errors. */
  readonly name: string;
  /** @param message with the fields that have been read so far */
  ruleOf(field: number, message: Message): FieldRule | undefined;
  /** Called at its end: whether its parent keeps it. It may drop fields. By default it is kept. */
  isKept?(message: Message): boolean;
}

/** A field that is kept, and its place in the file. */
export interface Field {
  readonly field: number;
  /** Where its tag begins. */
  readonly start: number;
  readonly end: number;
  readonly value: bigint | readonly bigint[] | string | Uint8Array | Message | undefined;
}

/** A message of a file, with the fields that are kept of it. */
export class Message {
  readonly rule: MessageRule;
  /** `undefined` for the message that is the file. */
  readonly parent: Message | undefined;
  /** Nesting: 0 for the file. */
  readonly depth: number;
  /** The number of the field that it is. */
  readonly field: number;
  /** Where the tag before it begins. */
  readonly tagStart: number;
  /** Where its length is written. */
  readonly lengthStart: number;
  readonly start: number;
  readonly end: number;
  fields: Field[] = [];
  /** What its fields take in memory, estimated when it ends. */
  keptBytes = 0;

  constructor(
    place: Pick<
      Message,
      "rule" | "parent" | "field" | "tagStart" | "lengthStart" | "start" | "end"
    >,
  ) {
    this.rule = place.rule;
    this.parent = place.parent;
    this.depth = place.parent ? place.parent.depth + 1 : 0;
    this.field = place.field;
    this.tagStart = place.tagStart;
    this.lengthStart = place.lengthStart;
    this.start = place.start;
    this.end = place.end;
  }

  /** Of a field that occurs more often than once, the last one counts. */
  text(field: number): string | undefined {
    return this.texts(field).at(-1);
  }

  /** None if one of them is not UTF-8: what they stand for would be another one's. */
  texts(field: number): string[] {
    const values = this.#values(field);
    const texts = values.filter((value) => typeof value === "string");
    return texts.length === values.length ? texts : [];
  }

  number(field: number): bigint | undefined {
    return this.numbers(field).at(-1);
  }

  numbers(field: number): bigint[] {
    return this.#values(field).flatMap((value) =>
      typeof value === "bigint" ? [value] : Array.isArray(value) ? (value as bigint[]) : [],
    );
  }

  bytes(field: number): Uint8Array | undefined {
    return this.#values(field)
      .filter((value) => value instanceof Uint8Array)
      .at(-1);
  }

  message(field: number): Message | undefined {
    return this.messages(field).at(-1);
  }

  messages(field: number): Message[] {
    return this.#values(field).filter((value) => value instanceof Message);
  }

  #values(field: number): Field["value"][] {
    return this.fields.filter((kept) => kept.field === field).map(({ value }) => value);
  }
}
