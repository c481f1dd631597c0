import type { Settings } from "../settings.ts";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly date: number;
  readonly ms: number;
}

const MAX_ANSWER_MS = 30_000;

export interface AskOptions {
  /** Sent as JSON. */
  readonly value?: unknown;
  /** Asks as somebody without a key. */
  readonly anonymous?: boolean;
}

export type Ask = (path: string, options?: AskOptions) => Promise<Answer>;

/** Requests that are not repeated: `doctor` reports what fails. */
export function createAsk({ url, key }: Pick<Settings, "url" | "key">, signal: AbortSignal): Ask {
  return async (path, { value, anonymous = false } = {}) => {
    const started = performance.now();
    const response = await fetch(url + path, {
      method: value === undefined ? "GET" : "POST",
      headers: {
        ...(key !== undefined && !anonymous && { authorization: `Bearer ${key}` }),
        ...(value !== undefined && { "content-type": "application/json" }),
      },
      body: value === undefined ? null : JSON.stringify(value),
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(MAX_ANSWER_MS)]),
    });
    const text = await response.text();
    const ms = Math.round(performance.now() - started);
    const date = Date.parse(response.headers.get("date") ?? "");
    return { status: response.status, body: parse(text), date, ms };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
