import { setTimeout as pause } from "node:timers/promises";
import { retryDelayMs } from "../../../client/src/retry.ts";
import { CliError, explain, usageError } from "../cli-error.ts";
import type { Settings } from "../settings.ts";
import { failureCause } from "./failure-cause.ts";
import { isWorthWaiting } from "./remedies.ts";
import { toServerError } from "./server-error.ts";

export interface ServerRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /**
   * Below the server's URL; segments are encoded by whoever made it ({@link pathOf}). Requests to `/admin` need a key; others send one that was
   * given, and that of a local server where it asks for one.
   */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly value?: unknown;
  /** Sent as it is. A function is called for each attempt: a stream can be read once. */
  readonly body?: BodyInit | (() => BodyInit | Promise<BodyInit>);
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * `never`: the server may have done its work although no response came, and a second time would do more. Such a request is repeated only when it
   * was not sent, or was refused for overload.
   */
  readonly repeats?: "safely" | "never";
  readonly signal?: AbortSignal;
}

export interface ServerClient {
  readonly url: string;
  /** @throws CliError unless the response is a success */
  send(request: ServerRequest): Promise<Response>;
  /** @throws CliError unless the response is a success whose body came whole */
  text(request: ServerRequest): Promise<ServerText>;
  /** @throws CliError unless the response is a success with JSON, which is an object of what `/admin` responds */
  json<T>(request: ServerRequest): Promise<T>;
}

export interface ServerText {
  readonly text: string;
  readonly headers: Headers;
}

export interface ServerClientOptions {
  readonly settings: Settings;
  readonly signal: AbortSignal;
  /** Called before a request is repeated. */
  readonly onRetry: (error: CliError, delayMs: number) => void;
  /** Called once, before the key is sent over plain HTTP to another machine. */
  readonly onPlainKey?: () => void;
}

const OVERLOAD = 429;
const LONGEST_QUOTE = 80;
/** Statuses after which the same request may succeed. */
const RETRYABLE: readonly number[] = [408, OVERLOAD, 500, 502, 503, 504];

/** The path of segments, each of which is encoded. */
export function pathOf(...segments: readonly string[]): string {
  return `/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
}

export function createServerClient({
  settings,
  signal,
  onRetry,
  onPlainKey = () => {},
}: ServerClientOptions): ServerClient {
  let isWarned = false;
  /** Whether a local server has asked for a key where others need none. */
  let isAsked = false;

  /** @param read what is read of the response is sent for again when the connection ends before */
  async function send<T>(
    request: ServerRequest,
    read: (response: Response) => T | Promise<T>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      let outcome = await trySend(request, read);
      if (outcome instanceof CliError && needsLocalKey(request, outcome)) {
        isAsked = true;
        outcome = await trySend(request, read);
      }
      if (!(outcome instanceof CliError)) return outcome;
      signal.throwIfAborted();
      request.signal?.throwIfAborted();
      if (attempt >= settings.retries || !mayRepeat(request, outcome)) throw outcome;
      const seconds = outcome.details?.retryAfterSeconds;
      const delayMs = retryDelayMs(attempt + 1, typeof seconds === "number" ? seconds : undefined);
      onRetry(outcome, delayMs);
      await pause(delayMs, undefined, { signal });
    }
  }

  /** A failure is returned, because the request may be repeated. */
  async function trySend<T>(
    request: ServerRequest,
    read: (response: Response) => T | Promise<T>,
  ): Promise<T | CliError> {
    const { method = "GET", value, body } = request;
    const content = typeof body === "function" ? await body() : body;
    const init: RequestInit & { duplex?: "half" } = {
      method,
      headers: toHeaders(headersOf(request)),
      body: value === undefined ? (content ?? null) : JSON.stringify(value),
      signal: request.signal ? AbortSignal.any([signal, request.signal]) : signal,
      redirect: "manual",
      ...(content instanceof ReadableStream && { duplex: "half" }),
    };
    try {
      const response = await fetch(urlOf(settings.url, request), init);
      return response.ok ? await read(response) : await toServerError(response);
    } catch (error) {
      return toUnreachable(error, settings);
    }
  }

  function needsLocalKey({ path }: ServerRequest, { status }: CliError): boolean {
    const wasSent = settings.isKeyGiven || isAsked || path.startsWith("/admin");
    return status === 401 && settings.isLocal && settings.key !== undefined && !wasSent;
  }

  function headersOf({ path, value, headers }: ServerRequest): Record<string, string> {
    const isAdmin = path.startsWith("/admin");
    if (isAdmin && settings.key === undefined)
      throw new CliError("unauthorized", `there is no key for ${settings.url}`, {
        hint: "give the server's ADMIN_KEY, or an API key that may do this, by the environment variable ONNXFLARE_KEY or by --key; for a local server, run the command in the folder of the project",
      });
    const sendsKey = isAdmin || settings.isKeyGiven || isAsked;
    if (sendsKey && !settings.isLocal && settings.url.startsWith("http:") && !isWarned) {
      isWarned = true;
      onPlainKey();
    }
    return {
      ...(sendsKey && { authorization: `Bearer ${settings.key}` }),
      ...(value !== undefined && { "content-type": "application/json" }),
      ...headers,
    };
  }

  return {
    url: settings.url,
    send: (request) => send(request, (response) => response),
    text: (request) => send(request, readText),
    json: async <T>(request: ServerRequest) => {
      const { text } = await send(request, readText);
      return parseResponse(text, settings.url, request) as T;
    },
  };
}

/** @throws CliError for a value that no header can have, before anything is sent */
function toHeaders(headers: Readonly<Record<string, string>>): Headers {
  const sent = new Headers();
  for (const [name, value] of Object.entries(headers))
    try {
      sent.set(name, value);
    } catch {
      throw usageError(
        name === "authorization"
          ? "the key has characters that no header can have, such as a line break"
          : `the header ${name} can't have the value ${JSON.stringify(value)}`,
      );
    }
  return sent;
}

async function readText(response: Response): Promise<ServerText> {
  return { text: await response.text(), headers: response.headers };
}

/** What a proxy or another program has answered is no response of the service. */
function parseResponse(text: string, url: string, request: ServerRequest): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Reported below.
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  // Results of models may be any JSON.
  if (isObject || (value !== undefined && !request.path.startsWith("/admin"))) return value;
  throw unexpectedResponse(text, url, request);
}

/** A success that is no response of the service. */
export function unexpectedResponse(
  text: string,
  url: string,
  { method = "GET", path }: ServerRequest,
): CliError {
  const start = text.trim() === "" ? "nothing" : JSON.stringify(text.slice(0, LONGEST_QUOTE));
  return new CliError("serverFailed", `${method} ${url}${path} was answered with ${start}`, {
    hint: "check --url or ONNXFLARE_URL: this is no response of the service",
  });
}

function urlOf(server: string, { path, query = {} }: ServerRequest): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? server + path : `${server}${path}?${parameters}`;
}

function mayRepeat({ repeats = "safely" }: ServerRequest, error: CliError): boolean {
  if (!isWorthWaiting(error.code, error.details?.retryAfterSeconds)) return false;
  if (repeats === "never") return error.status === OVERLOAD || wasNotSent(error);
  return error.status === undefined
    ? error.reason === "unreachable"
    : RETRYABLE.includes(error.status);
}

const NOT_SENT: readonly unknown[] = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH"];

function wasNotSent({ reason, details }: CliError): boolean {
  return reason === "unreachable" && NOT_SENT.includes(details?.cause);
}

function toUnreachable(error: unknown, { url, isLocal }: Settings): CliError {
  const cause = failureCause(error);
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return new CliError("unreachable", `${url} can't be reached: ${explain(cause)}`, {
    cause: error,
    details: { cause: code },
    hint: isLocal
      ? "start a server: npm start in a checkout, npx onnxflare dev in a project; or name another one by --url"
      : "check --url or ONNXFLARE_URL; npx onnxflare doctor examines a deployment",
  });
}
