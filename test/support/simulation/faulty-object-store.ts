import type { ObjectStore, ReadObject, StoredObject } from "../../../src/domain/object-store.ts";

/** What goes wrong with one operation of storage. */
export const FAULTS = [
  /** It has no effect, and fails. */
  "refused",
  /** It takes effect, and fails. */
  "acknowledgement-lost",
  /** It fails, and takes effect later. */
  "late",
  /** What it reads ends in the middle. */
  "cut",
  /** Its isolate ends before it. */
  "killed-before",
  /** It takes effect, and its isolate ends. */
  "killed-after",
] as const;
export type Fault = (typeof FAULTS)[number];

/** Decides when the operations of an isolate take effect, and what goes wrong. */
export interface Steps {
  /** Settles when an operation takes effect, with its fault; never for one that has none any more. */
  next(operation: string): Promise<Fault | undefined>;
  /** Settles when an operation takes effect for which nothing waits. */
  nextLate(operation: string): Promise<void>;
  /** The result of an operation, which never arrives in an isolate that has ended. */
  arrive<T>(result: T): Promise<T>;
  /** Ends the isolate. @param drops its other operations, or they still take effect */
  kill(drops: boolean): void;
}

/** Keys of one page of a listing: pages are read one after the other, so that a long listing is no snapshot. */
const PAGE_KEYS = 4;

/** Storage whose operations take effect one at a time, in the order and with the faults that `steps` decides. */
export function createFaultyObjectStore(objects: ObjectStore, steps: Steps): ObjectStore {
  async function run<T>(operation: string, effect: () => Promise<T>): Promise<T> {
    const fault = await steps.next(operation);
    switch (fault) {
      case undefined:
        return steps.arrive(await effect());
      case "acknowledgement-lost":
        await effect();
        throw await steps.arrive(new Error(`${operation}: acknowledgement lost`));
      case "late":
        void steps.nextLate(operation).then(effect);
        throw await steps.arrive(new Error(`${operation}: no response`));
      case "killed-before":
        steps.kill(true);
        break;
      case "killed-after":
        await effect();
        steps.kill(false);
        break;
      default:
    }
    throw await steps.arrive(new Error(`${operation}: ${fault}`));
  }

  async function readPage(prefix: string, after: string): Promise<StoredObject[]> {
    const page: StoredObject[] = [];
    for await (const object of objects.list(prefix, { after })) {
      page.push(object);
      if (page.length === PAGE_KEYS) break;
    }
    return page;
  }

  return {
    head: (key) => run(`head ${key}`, () => objects.head(key)),

    async get(key, offset) {
      const operation = `get ${key}`;
      const fault = await steps.next(operation);
      if (fault?.startsWith("killed")) steps.kill(fault === "killed-before");
      if (fault !== undefined && fault !== "cut")
        throw await steps.arrive(new Error(`${operation}: ${fault}`));
      const object = await objects.get(key, offset);
      return steps.arrive(object && (await withPlainBody(object, fault === "cut")));
    },

    put(key, bytes, options) {
      const copy = Uint8Array.from(bytes);
      return run(`put ${key}`, () => objects.put(key, copy, options));
    },

    async putStream(key, body, sizeBytes) {
      const bytes = await readAll(body);
      return run(`put ${key}`, () => objects.putStream(key, streamOf([bytes]), sizeBytes));
    },

    delete: (keys) => run(`delete ${keys.join(" ")}`, () => objects.delete(keys)),

    async *list(prefix, { after = "" } = {}) {
      for (let last = after; ; ) {
        const page = await run(`list ${prefix} after "${last}"`, () => readPage(prefix, last));
        yield* page;
        if (page.length < PAGE_KEYS) return;
        last = page.at(-1)?.key ?? last;
      }
    },
  };
}

/** The body in two chunks, without timers, so that a schedule alone decides on the order. */
async function withPlainBody(object: ReadObject, isCut: boolean): Promise<ReadObject> {
  const bytes = await readAll(object.body);
  const middle = Math.ceil(bytes.byteLength / 2);
  const chunks = isCut
    ? [bytes.subarray(0, middle)]
    : [bytes.subarray(0, middle), bytes.subarray(middle)];
  const end = isCut ? new Error(`get ${object.key}: cut`) : undefined;
  return { ...object, body: streamOf(chunks, end) };
}

export function streamOf(
  chunks: readonly Uint8Array[],
  end?: Error,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const left = chunks.filter(({ byteLength }) => byteLength > 0).values();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = left.next();
      if (!done) controller.enqueue(value as Uint8Array<ArrayBuffer>);
      else if (end) controller.error(end);
      else controller.close();
    },
  });
}

export async function readAll(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
