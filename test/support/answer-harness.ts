import { createEntryStore, type EntryStore } from "../../src/cache/entry-store.ts";
import type { CacheTier } from "../../src/domain/cache.ts";
import { parseCacheControl } from "../../src/domain/cache-control.ts";
import { type Call, createCall } from "../../src/domain/call.ts";
import { Deadline } from "../../src/domain/deadline.ts";
import { NOTHING_GENERATED } from "../../src/domain/generation-progress.ts";
import type { TaskResult } from "../../src/domain/task.ts";
import { type AnswerCached, createAnswerCached } from "../../src/inference/answer-cached.ts";
import type { AnswerPlan } from "../../src/tasks/answer-plan.ts";
import { createManifest } from "./cache-harness.ts";

/** Answers of a made-up task, whose parts are given one by one, and the cache. */

export interface AnswerHarness {
  readonly store: EntryStore;
  /** The streams that were generated, in the order of their beginning. */
  readonly generations: Generation[];
  /** What `waitUntil` was given. */
  readonly pending: Promise<unknown>[];
  request(options?: RequestOptions): AnswerRequest;
}

export interface RequestOptions {
  readonly inputs?: unknown;
  readonly stream?: boolean;
  readonly control?: string;
  readonly client?: string;
  readonly timeoutMs?: number;
  readonly manifest?: object;
  /** Generates in another way. */
  readonly execute?: (call: Call) => Promise<TaskResult>;
}

export interface AnswerRequest {
  readonly call: Call;
  readonly result: Promise<TaskResult>;
  leave(): void;
}

/** A generation that waits for each of its parts. */
export class Generation {
  readonly call: Call;
  readonly #parts: unknown[] = [];
  #next = Promise.withResolvers<void>();
  #end: { readonly error?: unknown } | undefined;
  returned = 0;
  pulled = 0;

  constructor(call: Call) {
    this.call = call;
    call.trace.generation = { ...NOTHING_GENERATED, inputTokens: 3 };
  }

  give(...parts: unknown[]): void {
    this.#parts.push(...parts);
    this.#wake();
  }

  end(): void {
    this.#end = {};
    this.#wake();
  }

  fail(error: unknown): void {
    this.#end = { error };
    this.#wake();
  }

  get parts(): AsyncIterableIterator<unknown, undefined> {
    const parts: AsyncIterableIterator<unknown, undefined> = {
      next: async () => {
        this.pulled += 1;
        while (this.#parts.length === 0 && !this.#end) await this.#next.promise;
        if (this.#parts.length > 0) {
          const { trace } = this.call;
          const progress = trace.generation ?? NOTHING_GENERATED;
          trace.generation = { ...progress, outputTokens: progress.outputTokens + 1 };
          return { done: false, value: this.#parts.shift() };
        }
        if (this.#end && "error" in this.#end) throw this.#end.error;
        return { done: true, value: undefined };
      },
      return: async () => {
        this.returned += 1;
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => parts,
    };
    return parts;
  }

  #wake(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}

export function createAnswerHarness({
  tiers = [],
  maxEntryBytes = 10_000,
  maxWaitMs = 1000,
  store = createEntryStore(tiers, undefined, {
    localBytes: 1_000_000,
    maxEntryBytes,
    readTimeoutMs: 1000,
  }),
}: {
  readonly tiers?: readonly CacheTier[];
  readonly maxEntryBytes?: number;
  readonly maxWaitMs?: number;
  readonly store?: EntryStore;
} = {}): AnswerHarness {
  const answerCached: AnswerCached = createAnswerCached(store, { maxEntryBytes, maxWaitMs });
  const generations: Generation[] = [];
  const pending: Promise<unknown>[] = [];

  async function generate(stream: boolean, call: Call): Promise<TaskResult> {
    const generation = new Generation(call);
    generations.push(generation);
    if (stream) return { kind: "stream", parts: generation.parts };
    const value = await Array.fromAsync(generation.parts);
    return { kind: "value", value, form: "one" };
  }

  return {
    store,
    generations,
    pending,
    request(options = {}) {
      const { inputs = "a", stream = false, control, client = "anonymous", timeoutMs } = options;
      const { execute = (generating) => generate(stream, generating) } = options;
      const leaving = new AbortController();
      const call = createCall({
        cache: parseCacheControl(control),
        principal: { id: async () => client },
        signal: leaving.signal,
        waitUntil: (work) => void pending.push(work),
        ...(timeoutMs !== undefined && { deadline: new Deadline({ timeoutMs }) }),
      });
      const manifest = createManifest(options.manifest);
      const model = { name: "echo", version: "1", revision: "1", versions: ["1"], manifest };
      const plan: AnswerPlan = {
        identity: inputs,
        request: { inputs, parameters: {}, stream },
        form: "one",
        toParts: ({ value }) => value as unknown[],
        toValue: (parts) => parts,
        toPart: (part) => part,
        toShared: (part) =>
          (part as { details?: string }).details === "kept" ? { details: "shared" } : part,
      };
      const result = answerCached({ model, plan, execute: (_, c) => execute(c) }, call);
      result.catch(() => undefined);
      return { call, result, leave: () => leaving.abort() };
    },
  };
}

/** The parts of a streamed result, or the value of a whole one. */
export async function partsOf(result: Promise<TaskResult>): Promise<unknown> {
  const found = await result;
  return found.kind === "stream" ? Array.fromAsync(found.parts) : found.value;
}

export async function iteratorOf(result: Promise<TaskResult>): Promise<AsyncIterator<unknown>> {
  const found = await result;
  if (found.kind !== "stream") throw new Error("the result is no stream");
  return found.parts[Symbol.asyncIterator]();
}
