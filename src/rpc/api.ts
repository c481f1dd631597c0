/**
 * What other Workers call over a service binding. This file imports nothing, so that the published types are self-contained; the
 * datatypes are those of the Open Inference Protocol v2.
 */

/** What a call to a model may have beside its inputs. */
export interface CallOptions {
  /** A name, `name@version` or `name@alias`. */
  readonly model: string;
  /** How long the answer may take, in milliseconds: at most the setting `TIMEOUT_MS`, which is the default. */
  readonly timeoutMs?: number | undefined;
  /** Directives as in the header `cache-control` of a request: `no-store`, `no-cache`, `max-age=60`, `only-if-cached`. */
  readonly cacheControl?: string | undefined;
  /** The id in the event of the call; a random one by default. */
  readonly requestId?: string | undefined;
  /**
   * The trace to which the call belongs, as the header `traceparent` of a request (https://www.w3.org/TR/trace-context-2/). One that is
   * not valid is ignored, and the call begins a trace.
   */
  readonly traceparent?: string | undefined;
  /** Beside `traceparent`, what tracing systems pass on. */
  readonly tracestate?: string | undefined;
  /** For whom the call is made, such as a user's id: it separates cache entries and sticky routing as an API key does over HTTP. */
  readonly principal?: string | undefined;
  /**
   * The id of the person whom the call is about: what is kept of the call can be exported and erased by it. Only a keyed hash of it is
   * kept. As the header `x-subject-id` of a request: 1 to 256 printable ASCII characters without spaces and commas.
   */
  readonly subject?: string | undefined;
  /** The value by which a split with `sticky: "header"` chooses a version. */
  readonly stickyKey?: string | undefined;
  /** Ends the call. Both Workers need the compatibility flag `enable_abortsignal_rpc`; to cancel a stream needs no flag. */
  readonly signal?: AbortSignal | undefined;
}

/** A request to a model's task, as `POST /models/{model}` takes it. */
export interface PredictRequest extends CallOptions {
  /**
   * Depends on the task: JSON values, in which numbers may be typed arrays, and bytes (of an image, a recording, a table) a `Uint8Array`,
   * an `ArrayBuffer`, a `Blob` or a stream of bytes.
   */
  readonly inputs: unknown;
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
}

/** A request for an explanation, as `POST /models/{model}/explain` takes it. */
export interface ExplainRequest extends PredictRequest {
  /** `method`, `space`, `output`, `max_runs`, `seed`, `background` and those of the method (docs/explanations.md). */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
}

/** The truth of one request: a label or a number, or one for each of its rows, `null` where it is not known. */
export interface Truth {
  readonly requestId: string;
  readonly truth: string | number | null | readonly (string | number | null)[];
  /** When it became known, in ISO 8601; now by default. */
  readonly time?: string | undefined;
}

/** Truths of predictions, as `POST /models/{model}/feedback` takes them. */
export interface FeedbackRequest extends CallOptions {
  /** One, or a list of up to 1,000. */
  readonly feedback: Truth | readonly Truth[];
}

/** The array type of a tensor, by datatype; in row-major order. */
export interface DataByDatatype {
  /** 0 and 1. */
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: HalfArray;
  FP32: Float32Array;
  FP64: Float64Array;
  BYTES: string[];
}

/** Where the library of types has no `Float16Array`, there is no type for it. */
export type HalfArray = typeof globalThis extends {
  Float16Array: { readonly prototype: infer HalfFloats };
}
  ? HalfFloats
  : ArrayBufferView;

export type Datatype = keyof DataByDatatype;

/** A tensor of a result; its `datatype` determines which array `data` is. */
export type OutputTensor = {
  [D in Datatype]: {
    readonly datatype: D;
    readonly shape: readonly number[];
    readonly data: DataByDatatype[D];
  };
}[Datatype];

export interface InputTensor {
  /** A typed array of the datatype, or numbers, bigints, booleans or strings; flat in row-major order, or nested by the shape. */
  readonly data: DataByDatatype[Datatype] | Uint8ClampedArray | readonly unknown[];
  /** By default the nesting of `data`; for a typed array its length. */
  readonly shape?: readonly number[] | undefined;
  /** By default that of the model's input. */
  readonly datatype?: Datatype | undefined;
}

/** One run of a model, as `POST /v2/models/{model}/infer` takes it. */
export interface RunRequest extends CallOptions {
  /** By the names of the model's inputs. */
  readonly inputs: Readonly<Record<string, InputTensor | InputTensor["data"]>>;
  /** Names of the outputs to return; all by default. */
  readonly outputs?: readonly string[] | undefined;
}

export interface RunResult {
  readonly model: string;
  /** The version that ran. */
  readonly version: string;
  /** By their names. */
  readonly outputs: Record<string, OutputTensor>;
}

/**
 * What a Worker has as its binding to the entrypoint: `interface Env { readonly AI: OnnxflareService }`. `Service<OnnxflareEntrypoint>`
 * is the same binding, but the types of Workers' RPC lose what is in results.
 */
export interface OnnxflareService {
  /** The routes over HTTP. */
  fetch(input: Request | URL | string, init?: RequestInit): Promise<Response>;
  /**
   * Runs a model's task.
   * @returns what `POST /models/{model}` responds, whose form depends on the task (docs/tasks.md): `predict<Label[]>(...)`
   */
  predict<Prediction = unknown>(request: PredictRequest): Promise<Prediction>;
  /**
   * Explains what a model answers.
   * @returns what `POST /models/{model}/explain` responds: an explanation, or a list of them for a list of inputs
   */
  explain<Explanation = unknown>(request: ExplainRequest): Promise<Explanation>;
  /**
   * Ties truths to predictions by the ids of their requests, and so measures the accuracy of a model (docs/accuracy.md).
   * @returns what `POST /models/{model}/feedback` responds: what became of the truth, or of each of a list
   */
  feedback<Result = unknown>(request: FeedbackRequest): Promise<Result>;
  /** Runs a model once, on tensors. */
  run(request: RunRequest): Promise<RunResult>;
  /**
   * Runs a model's task step by step: server-sent events, as `POST /models/{model}` sends them with `stream`. Cancelling the stream
   * ends the work. `readParts` of `onnxflare/rpc` reads them.
   */
  stream(request: PredictRequest): Promise<ReadableStream<Uint8Array>>;
}

/** `ctx.props` of the entrypoint, which the binding of a Worker may set. */
export interface OnnxflareProps {
  /** The id of the Worker that calls. */
  readonly principal?: string;
  /**
   * What the Worker may do: some of `predict`, `explain`, `feedback`, `metrics`, `models:read`, `models:write`, `keys` and `admin`. By
   * default it may predict, explain, send feedback and read about models by the methods, and `fetch` has no permission of its own.
   * With this property, `fetch` has it for requests without `Authorization`: leave it out where the Worker passes on requests of others.
   */
  readonly scopes?: readonly string[];
  /** Patterns of the names of models that the Worker may use, in which `*` stands for any characters; all by default. */
  readonly models?: readonly string[];
}

/** The error of a call, as it crosses to the Worker that called. */
export interface OnnxflareErrorFields {
  /** As in the errors over HTTP: docs/protocol.md. */
  readonly code: string;
  readonly message: string;
  /** The status that it has over HTTP. */
  readonly status: number;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}
