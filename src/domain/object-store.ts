/**
 * Object storage: what models, routing and uploads are kept in. Strongly consistent, as R2 is: a read and a listing see every
 * write that was acknowledged before, and a conditional write is atomic. Nothing but its entity tags coordinates isolates.
 *
 * Every adapter and every decorator passes `test/contracts/object-store.ts`. Failures are those of the storage; who knows what the object is
 * says so in an `ApiError`.
 */
export interface ObjectStore {
  /** `undefined` when there is no such object, as for {@link get}. */
  head(key: string): Promise<StoredObject | undefined>;
  /** @param offset where `body` begins, less than the object's size; `sizeBytes` is that of the whole */
  get(key: string, offset?: number): Promise<ReadObject | undefined>;
  /**
   * Writes a small object as a whole.
   * @returns `undefined`, without effect, when the condition is not met
   */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<StoredObject | undefined>;
  /**
   * Writes an object of any size without holding it in memory. A body that fails, or that is not `sizeBytes` long, writes nothing.
   */
  putStream(
    key: string,
    body: ReadableStream<Uint8Array>,
    sizeBytes: number,
  ): Promise<StoredObject>;
  /** Deletes those that exist. */
  delete(keys: readonly string[]): Promise<void>;
  /** The objects whose keys begin with the prefix, in the order of their keys. */
  list(prefix: string, options?: ListOptions): AsyncIterable<StoredObject>;
}

export interface StoredObject {
  readonly key: string;
  /** Changes with each write of the object. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** When it was written, in milliseconds since the epoch. */
  readonly writtenAt: number;
}

export interface ReadObject extends StoredObject {
  readonly body: ReadableStream<Uint8Array>;
  /** What the body has failed with, if the store knows it. */
  readonly failure?: () => unknown;
}

export interface PutOptions {
  readonly onlyIf?: WriteCondition;
  readonly contentType?: string;
}

/** The object does not exist yet, or it is still the one that was read. */
export type WriteCondition = { readonly absent: true } | { readonly etag: string };

export interface ListOptions {
  /** Only keys after this one. */
  readonly after?: string;
}
