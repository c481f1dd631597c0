/** A request to a model's task: `{"inputs": ..., "parameters": {...}}`, or a raw body as a `Media`. */
export interface TaskRequest {
  readonly inputs: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Whether the result is wanted in parts; only of tasks that generate it step by step. */
  readonly stream?: boolean | undefined;
  /**
   * Whether the request is only checked, as far as it is before anything is run: the result has no value, and its usage is the most that
   * there may be. Only of tasks that generate, for several requests that are all valid before the first one begins.
   */
  readonly checkOnly?: boolean | undefined;
}

/**
 * The form of the inputs, which determines the form of the result: one item, a list of items, sentences to be
 * compared with a first one, or texts to be ranked by a query.
 */
export type InputForm = "one" | "list" | "comparison" | "ranking";

/** What a call consumed. */
export interface Usage {
  /** Tokens that the model read, special tokens included. */
  readonly inputTokens: number;
  /** Of the input tokens, which were not read again; absent where none are kept. */
  readonly cachedTokens?: number | undefined;
  /** Tokens that the model generated, those that end a text included; absent where it generates none. */
  readonly outputTokens?: number | undefined;
}

/** One part of a streamed result, serialized as JSON. */
export type TaskPart = unknown;

/** A result as a whole, or in parts, each of them available before the next one is computed. */
export type TaskResult = TaskValue | TaskStream;

export interface TaskValue {
  readonly kind: "value";
  /** Serialized as JSON. */
  readonly value: unknown;
  readonly form: InputForm;
  /** Only of tasks that count tokens. */
  readonly usage?: Usage | undefined;
}

export interface TaskStream {
  readonly kind: "stream";
  /** No part is computed before it is requested; `return()` ends the work. */
  readonly parts: AsyncIterable<TaskPart>;
}
