import { collectStream } from "../../shared/collect-stream.ts";

/** The global function, or what a test has in its place. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Discovery documents and key sets have some kilobytes; Microsoft's key set, among the largest, has 20. */
const MAX_BYTES = 262_144;

/**
 * Reads a JSON object from a URL.
 * @throws Error for any other answer than 200 with an object, also for a redirect, which could lead anywhere
 */
export async function readRemoteJson(
  url: string,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(url, {
    headers: { accept: "application/json", "user-agent": "onnxflare" },
    redirect: "manual",
    signal,
  });
  const { status, body } = response;
  if (status !== 200 || !body) {
    await body?.cancel();
    throw new Error(`${url} answered with ${status}; expected 200 and JSON`);
  }
  const bytes = await collectStream(body, {
    maxBytes: MAX_BYTES,
    reserve: () => undefined,
    wait: (read) => read,
    tooLarge: () => new Error(`${url} answered with more than ${MAX_BYTES} bytes`),
  });
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${url} answered with JSON that is not an object`);
  return value as Readonly<Record<string, unknown>>;
}
