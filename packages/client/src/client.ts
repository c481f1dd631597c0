import type { ExplainRequest, Explanation } from "./explanation.ts";
import type { FeedbackRequest, FeedbackResults } from "./feedback.ts";
import type { AbortSignalLike, BufferedResponse, Fetch, UrlLike } from "./fetch-types.ts";
import type { InferRequest, InferResult } from "./infer-messages.ts";
import { encodeInferRequest } from "./infer-request.ts";
import { decodeInferResponse } from "./infer-response.ts";
import { OnnxflareError } from "./onnxflare-error.ts";
import type {
  ModelConfig,
  ModelMetadata,
  ModelState,
  RepositoryIndexEntry,
  ServerMetadata,
  Statistics,
} from "./server-messages.ts";
import { type Call, send } from "./transport.ts";

export type { ExplainParameters, ExplainRequest, Explanation } from "./explanation.ts";
export type {
  Feedback,
  FeedbackRequest,
  FeedbackResult,
  FeedbackResults,
} from "./feedback.ts";
export type { AbortSignalLike, Fetch, FetchInit, FetchResponse, UrlLike } from "./fetch-types.ts";
export type { InferRequest, InferResult, RequestedOutput } from "./infer-messages.ts";
export { type ClientErrorCode, OnnxflareError } from "./onnxflare-error.ts";
export type * from "./server-messages.ts";
export type * from "./tensor-types.ts";

export interface ClientOptions {
  /** Where the server is, with or without a path: `https://models.example.com`. */
  readonly baseUrl: string | UrlLike;
  /** Sends the requests; the global `fetch` when left out. A service binding's `fetch` fits. */
  readonly fetch?: Fetch | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as `authorization: Bearer <key>`. */
  readonly apiKey?: string | undefined;
  /** Retries after a 429, 502, 503 or a broken connection (default 2). */
  readonly retries?: number | undefined;
  /** For each call with its retries (default 30,000; `Infinity` for no limit). */
  readonly timeoutMs?: number | undefined;
  /** Whether tensors travel as bytes, unless the request sets it (default true). */
  readonly binary?: boolean | undefined;
}

/** Options of one call. */
export interface CallOptions {
  readonly signal?: AbortSignalLike | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly retries?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface ModelCallOptions extends CallOptions {
  readonly version?: string | undefined;
}

export interface PredictRequest {
  readonly model: string;
  readonly version?: string | undefined;
  /** What the model's task takes: a text, a row, an object by column name, or a list of them. */
  readonly inputs: unknown;
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
}

/** Every call rejects with an {@link OnnxflareError}, or with the reason of an aborted signal. */
export interface Client {
  serverMetadata(options?: CallOptions): Promise<ServerMetadata>;
  isLive(options?: CallOptions): Promise<boolean>;
  isReady(options?: CallOptions): Promise<boolean>;
  /** The names of the models. */
  models(options?: CallOptions): Promise<readonly string[]>;
  modelMetadata(model: string, options?: ModelCallOptions): Promise<ModelMetadata>;
  /** Whether the model is loaded; the call makes the server load it. */
  modelReady(model: string, options?: ModelCallOptions): Promise<boolean>;
  modelConfig(model: string, options?: ModelCallOptions): Promise<ModelConfig>;
  /** The statistics of one model, of one version, or of all. */
  statistics(model?: string, options?: ModelCallOptions): Promise<Statistics>;
  repositoryIndex(
    options?: CallOptions & { readonly ready?: boolean | undefined },
  ): Promise<readonly RepositoryIndexEntry[]>;
  load(model: string, options?: CallOptions): Promise<ModelState>;
  unload(model: string, options?: CallOptions): Promise<ModelState>;
  /** Runs inference on tensors. */
  infer(request: InferRequest, options?: CallOptions): Promise<InferResult>;
  /** The task API: a prediction in the shape of the model's task, such as labels with scores. */
  predict<T = unknown>(request: PredictRequest, options?: CallOptions): Promise<T>;
  /** Why the model answers what it answers: an explanation, or a list of them for a list of inputs. */
  explain<T = Explanation>(request: ExplainRequest, options?: CallOptions): Promise<T>;
  /** Sends what the truth of predictions was. It may be repeated; each item is recorded or refused by itself. */
  feedback(request: FeedbackRequest, options?: CallOptions): Promise<FeedbackResults>;
}

const JSON_TYPE = { "content-type": "application/json" };

/** @throws TypeError when `baseUrl` is not a URL */
export function createClient(options: ClientOptions): Client {
  const { apiKey, baseUrl, binary = true, retries = 2, timeoutMs = 30_000 } = options;
  const base = new URL(typeof baseUrl === "object" ? baseUrl.href : baseUrl).href.replace(
    /\/+$/,
    "",
  );
  // Not the function itself: browsers refuse a `fetch` that is called on another object.
  const fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const headers = {
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    ...options.headers,
  };

  function call(
    path: string,
    method: Call["method"],
    own: CallOptions = {},
    details: Partial<Call> = {},
  ): Promise<BufferedResponse> {
    return send(
      fetch,
      {
        ...details,
        method,
        url: `${base}${path}`,
        headers: { ...details.headers, ...headers, ...own.headers },
      },
      {
        signal: own.signal,
        retries: own.retries ?? retries,
        timeoutMs: own.timeoutMs ?? timeoutMs,
      },
    );
  }

  async function get<T>(path: string, own?: CallOptions): Promise<T> {
    return toJson<T>(await call(path, "GET", own));
  }

  /** 503 means no, as does 400 of other servers of the protocol; other statuses are errors. */
  async function probe(path: string, own?: CallOptions): Promise<boolean> {
    const isNo = (status: number): boolean => status === 503 || status === 400;
    return !isNo((await call(path, "GET", own, { accepts: isNo })).status);
  }

  async function control(model: string, verb: "load" | "unload", own?: CallOptions) {
    const path = `/v2/repository/models/${encodeURIComponent(model)}/${verb}`;
    const response = await call(path, "POST", own, { body: "{}", headers: JSON_TYPE });
    // Triton responds with an empty body.
    if (response.body.byteLength > 0) return toJson<ModelState>(response);
    return { name: model, state: verb === "load" ? "ready" : "absent" };
  }

  async function runTask<T>(
    { model, version, inputs, parameters }: PredictRequest,
    verb: "" | "/explain",
    own?: CallOptions,
  ): Promise<T> {
    const path = `${modelPath("/models", model, version)}${verb}`;
    const body = JSON.stringify({ inputs, parameters });
    return toJson(await call(path, "POST", own, { body, headers: JSON_TYPE, sendsDeadline: true }));
  }

  return {
    serverMetadata: (own) => get("/v2", own),
    isLive: (own) => probe("/v2/health/live", own),
    isReady: (own) => probe("/v2/health/ready", own),
    models: async (own) => (await get<{ models: string[] }>("/v2/models", own)).models,
    modelMetadata: (model, own) => get(modelPath("/v2/models", model, own?.version), own),
    modelReady: (model, own) => probe(`${modelPath("/v2/models", model, own?.version)}/ready`, own),
    modelConfig: (model, own) => get(`${modelPath("/v2/models", model, own?.version)}/config`, own),
    statistics: (model, own) =>
      get(
        model === undefined
          ? "/v2/models/stats"
          : `${modelPath("/v2/models", model, own?.version)}/stats`,
        own,
      ),
    repositoryIndex: async (own) => {
      const body = JSON.stringify({ ready: own?.ready });
      return toJson(await call("/v2/repository/index", "POST", own, { body, headers: JSON_TYPE }));
    },
    load: (model, own) => control(model, "load", own),
    unload: (model, own) => control(model, "unload", own),
    infer: async (request, own) => {
      const path = `${modelPath("/v2/models", request.model, request.version)}/infer`;
      const encoded = encodeInferRequest(request, binary);
      return decodeInferResponse(
        await call(path, "POST", own, { ...encoded, sendsDeadline: true }),
      );
    },
    feedback: async ({ model, version, feedback }, own) => {
      const path = `${modelPath("/models", model, version)}/feedback`;
      const body = JSON.stringify(feedback);
      return toJson(await call(path, "POST", own, { body, headers: JSON_TYPE }));
    },
    predict: (request, own) => runTask(request, "", own),
    explain: (request, own) => runTask(request, "/explain", own),
  };
}

function modelPath(folder: string, model: string, version: string | undefined): string {
  const path = `${folder}/${encodeURIComponent(model)}`;
  return version === undefined ? path : `${path}/versions/${encodeURIComponent(version)}`;
}

function toJson<T>({ body, status, requestId }: BufferedResponse): T {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as T;
  } catch (cause) {
    throw new OnnxflareError("invalid_response", "The server's response is not JSON.", {
      status,
      requestId,
      cause,
    });
  }
}
