import type { FoundEntry } from "../cache/lookup.ts";
import { ApiError } from "../domain/errors.ts";
import type { GenerationProgress } from "../domain/generation-progress.ts";
import type { TaskPart } from "../domain/task.ts";

/** A request that reads an answer. */
export interface FlightReader {
  /**
   * The next part; `undefined` when there is none yet.
   * @throws what the flight failed with; ApiError `client_closed_request` when the reader has left
   */
  take(): IteratorResult<TaskPart, undefined> | undefined;
  /** Reads no further. When the last reader leaves, the flight is abandoned. */
  leave(): void;
}

/**
 * An answer that is being generated: its own request and identical ones read parts as they come. It is generated as fast as the model
 * allows, however slowly it is read, until its parts are as large as an entry may be. From then on nobody joins, parts that all have read are
 * dropped, and the next one is generated when all have been read.
 */
export class AnswerFlight {
  readonly #limitBytes: number;
  readonly #readers = new Set<{ position: number }>();
  readonly #begun = Promise.withResolvers<void>();
  readonly #abandoned = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #parts: TaskPart[] = [];
  #dropped = 0;
  #sizeBytes = 0;
  #isAbandoned = false;
  #onAbandoned = (): void => undefined;
  #changed = Promise.withResolvers<void>();
  #drained = Promise.withResolvers<void>();
  #end: { readonly error?: unknown } | undefined;
  #progress: () => GenerationProgress | undefined = () => undefined;
  /** The entry that the answer is from, when it turned out to be in a remote tier. */
  found: FoundEntry | undefined;

  /** @param limitBytes of the parts together, as characters of JSON */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.begun.catch(() => undefined);
  }

  /** Resolves when the first part may come; rejects with what the flight failed with before. */
  readonly begun = this.#begun.promise;
  /** Resolves when nobody reads any more. */
  readonly abandoned = this.#abandoned.promise;
  /** Resolves when there are no more parts, for whatever reason. */
  readonly ended = this.#ended.promise;

  /** Whether the answer can be read from its beginning. */
  get isOpen(): boolean {
    return !this.isOversized && !this.#isAbandoned && !this.hasFailed;
  }

  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  get isOversized(): boolean {
    return this.#sizeBytes > this.#limitBytes;
  }

  get hasFailed(): boolean {
    return this.#end !== undefined && "error" in this.#end;
  }

  /** Those that have not been dropped: all of them unless it is oversized. */
  get parts(): readonly TaskPart[] {
    return this.#parts;
  }

  /** What has been generated until now. */
  get progress(): GenerationProgress | undefined {
    return this.#progress();
  }

  /** Resolves when the flight has another part, or has ended. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  begin(progress: () => GenerationProgress | undefined): void {
    this.#progress = progress;
    this.#begun.resolve();
  }

  push(part: TaskPart): void {
    this.#parts.push(part);
    this.#sizeBytes += JSON.stringify(part).length;
    this.#notify();
  }

  /** To be awaited before each part: of an oversized answer, until all of its parts have been read. */
  async room(): Promise<void> {
    this.#drop();
    while (this.isOversized && this.#parts.length > 0 && !this.#isAbandoned)
      await this.#drained.promise;
  }

  /**
   * What a promise resolves to; `undefined` as soon as nobody reads any more. One at a time.
   * @throws what the promise rejects with
   */
  async unlessAbandoned<T>(promise: Promise<T>): Promise<T | undefined> {
    // A race with `abandoned` would keep each result in memory until that settles.
    const { promise: left, resolve } = Promise.withResolvers<undefined>();
    this.#onAbandoned = () => resolve(undefined);
    if (this.#isAbandoned) resolve(undefined);
    return Promise.race([left, promise]);
  }

  end(): void {
    this.#finish({});
  }

  fail(error: unknown): void {
    this.#begun.reject(error);
    this.#finish({ error });
  }

  read(): FlightReader {
    const reader = { position: this.#dropped };
    this.#readers.add(reader);
    return {
      take: () => {
        if (!this.#readers.has(reader)) throw clientClosed();
        const at = reader.position - this.#dropped;
        if (at < this.#parts.length) {
          const value = this.#parts[at];
          reader.position += 1;
          this.#drop();
          return { done: false, value };
        }
        if (!this.#end) return undefined;
        if ("error" in this.#end) throw this.#end.error;
        return { done: true, value: undefined };
      },
      leave: () => {
        if (!this.#readers.delete(reader)) return;
        if (this.#readers.size > 0) return this.#drop();
        this.#isAbandoned = true;
        this.#abandoned.resolve();
        this.#onAbandoned();
        this.#drained.resolve();
      },
    };
  }

  #finish(end: { readonly error?: unknown }): void {
    this.#end = end;
    this.#ended.resolve();
    this.#notify();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Drops what all readers have read of an oversized answer. */
  #drop(): void {
    if (!this.isOversized || this.#readers.size === 0) return;
    const read = Math.min(...[...this.#readers].map(({ position }) => position));
    this.#parts.splice(0, read - this.#dropped);
    this.#dropped = read;
    if (this.#parts.length > 0) return;
    this.#drained.resolve();
    this.#drained = Promise.withResolvers();
  }
}

export function clientClosed(): ApiError {
  return new ApiError("client_closed_request", "The client closed the connection.");
}
