import type { BufferedResponse } from "./fetch-types.ts";
import { OnnxflareError } from "./onnxflare-error.ts";
import { parseRetryAfter } from "./retry.ts";

const LONGEST_TEXT = 200;

/**
 * The error that a response describes: `{"error", "code", ...}` of the protocol, `application/problem+json`
 * (RFC 9457), or whatever a proxy wrote.
 */
export function toHttpError(response: BufferedResponse): OnnxflareError {
  const { status, headers } = response;
  const text = new TextDecoder().decode(response.body);
  const { error, detail, title, code, request_id, details } = parseObject(text);
  const message = [error, detail, title].find((value) => typeof value === "string");
  const seconds = isObject(details) ? details.retryAfterSeconds : undefined;
  return new OnnxflareError(
    typeof code === "string" ? code : "http_error",
    (message as string | undefined) ?? `The server responded with ${status}: ${shorten(text)}`,
    {
      status,
      requestId: typeof request_id === "string" ? request_id : response.requestId,
      details: isObject(details) ? details : undefined,
      // Browsers hide the header from another origin.
      retryAfterSeconds:
        parseRetryAfter(headers.get("retry-after")) ??
        (typeof seconds === "number" ? seconds : undefined),
    },
  );
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shorten(text: string): string {
  if (text === "") return "(empty)";
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}...` : text;
}
