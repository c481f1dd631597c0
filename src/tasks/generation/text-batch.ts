import { type CacheBlock, cacheNames } from "../../domain/blocks/postprocess/text-generation.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Lease } from "../../domain/ports.ts";
import type { TensorHandle } from "../../domain/tensor-handle.ts";
import type { Trace } from "../../domain/trace.ts";
import type { DecodedText, TextTogether } from "./decoder.ts";
import { bindings, copyPrefixes, copyRow, tokenBytes } from "./key-value-cache.ts";
import { type LogitsOutput, toLastLogits, toLogitsOfRows } from "./last-logits.ts";
import type { FedText, ToRowFeeds } from "./token-feeds.ts";

/** A run of more rows would keep other calls waiting. */
export const MAX_ROWS = 8;
/** Rows are freed when there are this many times as many as texts: to copy them for each text that ends would take longer than they are missed. */
const IDLE_FACTOR = 4;

/** What a batch needs to know of its model. */
export interface BatchModel {
  readonly cache: CacheBlock;
  readonly toFeeds: ToRowFeeds;
  readonly logits: LogitsOutput;
}

/**
 * Texts whose keys and values are rows of the same tensors, so that one run reads a token of each. None of them waits for
 * another: the first text that asks for its next token makes the run for all that have announced theirs by then.
 */
export class TextBatch {
  /** Tokens that each row has room for. */
  readonly length: number;
  readonly #model: BatchModel;
  readonly #lease: Lease;
  readonly #pasts: readonly string[];
  readonly #presents: readonly string[];
  /** In the order of their rows. */
  readonly #texts: BatchedText[] = [];
  readonly #views = new Map<string, readonly TensorHandle[]>();
  #tensors: readonly TensorHandle[] = [];
  #rows = 0;

  /** @param lease any of the model, on which the batch does not depend */
  constructor(model: BatchModel, lease: Lease, length: number) {
    this.#model = model;
    this.length = length;
    this.#pasts = cacheNames(model.cache, model.cache.past);
    this.#presents = cacheNames(model.cache, model.cache.present);
    this.#lease = lease.fork({ expiresAt: lease.expiresAt });
  }

  get isFull(): boolean {
    return this.#texts.length >= MAX_ROWS;
  }

  get isEmpty(): boolean {
    return this.#texts.length === 0;
  }

  /** Whether its memory is gone, with all of its texts. */
  get isLost(): boolean {
    return hasEnded(this.#lease);
  }

  /**
   * Begins a text.
   * @param lease of the text, with which it ends at the latest
   * @throws ApiError when there is no memory for another row
   */
  begin(lease: Lease, trace: Trace): BatchedText {
    this.removeEnded();
    const { expiresAt } = this.#lease;
    this.#lease.change({ expiresAt: Math.max(expiresAt, lease.expiresAt) });
    if (this.#texts.length === this.#rows) this.#addRows();
    const text = new BatchedText(this, lease, trace);
    this.#texts.push(text);
    return text;
  }

  /** Ends all of its texts. */
  close(): void {
    this.#texts.length = 0;
    this.#lease.dispose();
  }

  /** Frees the rows that no text uses. */
  trim(): void {
    this.removeEnded();
    if (this.#texts.length === 0) this.#lease.dispose();
    if (this.#texts.length === 0 || this.#texts.length === this.#rows) return;
    try {
      this.#resize(this.#texts.length);
    } catch (error) {
      // The heap has no block for fewer rows: those that there are remain.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** A text whose request was cut off does not end by itself. */
  removeEnded(): void {
    for (const text of [...this.#texts]) if (hasEnded(text.lease)) this.remove(text);
  }

  remove(text: BatchedText): void {
    const row = this.#texts.indexOf(text);
    if (row < 0) return;
    const last = this.#texts.pop();
    if (last && last !== text) {
      this.#texts[row] = last;
      if (!this.isLost) this.#move(this.#texts.length, row, last.past);
    }
    if (this.#texts.length * IDLE_FACTOR <= this.#rows && !this.isLost) this.trim();
  }

  /** Reads tokens of one text. */
  read(text: BatchedText, ids: readonly number[], isLast: boolean): Float32Array | undefined {
    const { toFeeds, logits } = this.#model;
    const cache = this.#cacheOf(this.#rowOf(text), 1);
    const feeds = [...toFeeds([{ ids, past: text.past }]), ...bindings(this.#pasts, cache)];
    const outputs = bindings(this.#presents, cache);
    const first = isLast ? [logits.output] : [];
    const [result] = this.#lease.model.run(feeds, [...first, ...outputs]);
    text.past += ids.length;
    return isLast ? toLastLogits(result) : undefined;
  }

  /** One run for a text and all others that have announced their next token. */
  run(runner: BatchedText): void {
    this.#rowOf(runner);
    const ready = this.#texts.filter(({ announced }) => announced !== undefined);
    const startedAt = performance.now();
    if (ready.length === 1 || !this.#runTogether(ready))
      for (const text of ready) text.settle(() => this.read(text, [text.announced ?? 0], true));
    const totalMs = performance.now() - startedAt;
    runner.trace.add("infer", -totalMs);
    for (const { trace } of ready) trace.add("infer", totalMs / ready.length);
    // Those that missed this run are not waited for again.
    for (const text of this.#texts) if (!ready.includes(text)) text.isExpected = false;
  }

  expectsOthers(text: BatchedText): boolean {
    return this.#texts.some((other) => other !== text && other.isExpected);
  }

  /** The keys and values of a text. */
  handles(text: BatchedText): readonly TensorHandle[] {
    return this.#cacheOf(this.#rowOf(text), 1);
  }

  /** Begins a text with tokens that were read for another one. */
  restore(text: BatchedText, source: readonly TensorHandle[], tokens: number): void {
    copyPrefixes(this.#lease, source, this.handles(text), tokens);
    text.past = tokens;
  }

  /**
   * In one run of neighbouring rows. One that is not ready reads a token that its next run writes over.
   * @returns whether the run succeeded: if not, each text is run by itself, so that one which fails is the only one
   */
  #runTogether(ready: readonly BatchedText[]): boolean {
    const rows = ready.map((text) => this.#rowOf(text));
    const first = Math.min(...rows);
    const count = Math.max(...rows) - first + 1;
    const texts = this.#texts.slice(first, first + count);
    const fed = texts.map(({ announced = 0, past }): FedText => {
      return { ids: [announced], past: Math.min(past, this.length - 1) };
    });
    const cache = this.#cacheOf(first, count);
    const feeds = [...this.#model.toFeeds(fed), ...bindings(this.#pasts, cache)];
    const outputs = bindings(this.#presents, cache);
    let logits: Float32Array[];
    try {
      const [result] = this.#lease.model.run(feeds, [this.#model.logits.name, ...outputs]);
      logits = toLogitsOfRows(result, count);
    } catch {
      return false;
    }
    for (const [row, text] of texts.entries())
      if (text.announced !== undefined)
        text.settle(() => {
          text.past += 1;
          return logits[row];
        });
    return true;
  }

  /** @throws ApiError when the text's lease has expired */
  #rowOf(text: BatchedText): number {
    const row = this.#texts.indexOf(text);
    if (row >= 0) return row;
    text.lease.model.describe();
    throw new Error("the text has ended");
  }

  #cacheOf(first: number, count: number): readonly TensorHandle[] {
    const key = `${first}+${count}`;
    const known = this.#views.get(key);
    if (known) return known;
    const views = this.#tensors.map((tensor) => this.#lease.view(tensor, first, count));
    this.#views.set(key, views);
    return views;
  }

  #move(from: number, to: number, tokens: number): void {
    for (const tensor of this.#tensors)
      copyRow(this.#lease, { tensor, row: from }, { tensor, row: to }, tokens);
  }

  /**
   * Twice as many, as others are likely to follow, or else one.
   * @throws ApiError when there is no memory for it
   */
  #addRows(): void {
    const rows = this.#rows;
    if (rows < 2) {
      this.#resize(rows + 1);
      return;
    }
    try {
      this.#resize(Math.min(2 * rows, MAX_ROWS));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.#rows === rows) this.#resize(rows + 1);
    }
  }

  /** Tensor by tensor, so that only one of them exists twice. */
  #resize(rows: number): void {
    const { cache } = this.#model;
    const { heads, headSize, datatype } = cache;
    const bytesOf = (count: number): number => {
      const bytes = tokenBytes(cache) * this.length * count;
      // One of the tensors exists twice.
      return bytes + bytes / this.#pasts.length;
    };
    this.#lease.change({ reservedBytes: bytesOf(Math.max(rows, this.#rows)) });
    const texts = this.#texts.map(({ past }) => past);
    for (const views of this.#views.values()) for (const view of views) view.dispose();
    this.#views.clear();
    const tensors = [...this.#tensors];
    try {
      for (const [index, name] of this.#pasts.entries()) {
        const next = this.#lease.allocate(name, datatype, [rows, heads, this.length, headSize]);
        const before = tensors[index];
        for (const [row, tokens] of texts.entries())
          if (before) copyRow(this.#lease, { tensor: before, row }, { tensor: next, row }, tokens);
        before?.dispose();
        tensors[index] = next;
        this.#tensors = [...tensors];
      }
    } finally {
      const complete = this.#tensors.length === this.#pasts.length;
      this.#rows = complete ? Math.min(...this.#tensors.map(({ shape }) => shape[0] ?? 0)) : 0;
      if (!this.isLost) this.#lease.change({ reservedBytes: bytesOf(this.#rows) });
    }
  }
}

/** A text that is one of the rows of a batch. */
export class BatchedText implements DecodedText, TextTogether, Disposable {
  readonly laterRunTokens = undefined;
  cachedTokens = 0;
  promptRead?: () => void;
  readonly lease: Lease;
  readonly trace: Trace;
  /** Tokens that were read. */
  past = 0;
  /** The token that it reads next, while no run has read it. */
  announced: number | undefined;
  /** Whether it is likely to announce its next token soon. */
  isExpected = false;
  readonly #batch: TextBatch;
  #settled: { readonly logits: Float32Array | undefined } | { readonly error: unknown } | undefined;

  constructor(batch: TextBatch, lease: Lease, trace: Trace) {
    this.#batch = batch;
    this.lease = lease;
    this.trace = trace;
  }

  get together(): TextTogether {
    return this;
  }

  get expectsOthers(): boolean {
    return this.announced !== undefined && this.#batch.expectsOthers(this);
  }

  read(ids: readonly number[]): void {
    this.#batch.read(this, ids, false);
  }

  announce(id: number): void {
    this.announced = id;
    this.isExpected = false;
  }

  next(ids: readonly number[]): Float32Array {
    if (!this.#settled && this.announced !== undefined) this.#batch.run(this);
    const settled = this.#settled;
    this.#settled = undefined;
    if (settled && "error" in settled) throw settled.error;
    const logits = settled ? settled.logits : this.#batch.read(this, ids, true);
    if (!logits) throw new Error("the run has no logits");
    this.isExpected = true;
    return logits;
  }

  /** A run has read the announced token, or has failed. */
  settle(read: () => Float32Array | undefined): void {
    try {
      this.#settled = { logits: read() };
    } catch (error) {
      this.#settled = { error };
    }
    this.announced = undefined;
    this.isExpected = true;
  }

  /** The keys and values of its tokens: tensors of shape [1, heads, tokens, size]. */
  get cache(): readonly TensorHandle[] {
    return this.#batch.handles(this);
  }

  /**
   * Begins with tokens that were read for another text.
   * @param source the cache of that one, whose first tokens they are
   */
  restore(source: readonly TensorHandle[], tokens: number): void {
    this.#batch.restore(this, source, tokens);
    this.cachedTokens = tokens;
  }

  [Symbol.dispose](): void {
    this.#batch.remove(this);
    this.lease.dispose();
  }
}

function hasEnded(lease: Lease): boolean {
  try {
    lease.model.describe();
    return false;
  } catch {
    return true;
  }
}
