import type { Settings } from "../settings.ts";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly date: number;
  readonly ms: number;
}

const MAX_ANSWER_MS = 30_000;

/** @param value sent as JSON */
export type Ask = (path: string, value?: unknown) => Promise<Answer>;

/** Requests that are not repeated: `doctor` reports what fails. */
export function createAsk({ url, key }: Pick<Settings, "url" | "key">, signal: AbortSignal): Ask {
  return async (path, value) => {
    const started = performance.now();
    const response = await fetch(url + path, {
      method: value === undefined ? "GET" : "POST",
      headers: {
        ...(key !== undefined && path.startsWith("/admin") && { authorization: `Bearer ${key}` }),
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
