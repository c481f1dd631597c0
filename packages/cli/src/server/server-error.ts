import { parseRetryAfter } from "../../../client/src/retry.ts";
import { CliError } from "../cli-error.ts";
import type { ExitReason } from "../exit-codes.ts";
import { findRefusal } from "./remedies.ts";

const LONGEST_TEXT = 200;

/** The model does not fit, or the task has no such operation: the same request fails again. */
const REFUSALS: readonly number[] = [501, 507];

const REASONS: Readonly<Record<number, ExitReason>> = {
  404: "notFound",
  408: "serverFailed",
  409: "conflict",
  429: "serverFailed",
};

/** A response that is an error: problem details, `{"error": ...}` of a protocol, or what a proxy wrote. */
export async function toServerError(response: Response): Promise<CliError> {
  const { status } = response;
  const text = await response.text().catch(() => "");
  const body = parseObject(text);
  const nested = parseRecord(body.error);
  const message = [body.detail, body.error, nested.message, body.title].find(
    (value) => typeof value === "string",
  );
  const code = [body.code, nested.code].find((value) => typeof value === "string");
  const requestId = body.request_id ?? response.headers.get("x-request-id");
  const knownCode = typeof code === "string" ? code : undefined;
  const refusal = findRefusal(knownCode, status);
  return new CliError(
    refusal?.reason ?? reasonOf(status),
    typeof message === "string" ? message : `the server responded with ${status}: ${clip(text)}`,
    {
      status,
      code: knownCode,
      requestId: typeof requestId === "string" ? requestId : undefined,
      details: { ...parseRecord(body.details), retryAfterSeconds: retryAfter(response) },
      hint: refusal?.hint,
    },
  );
}

function reasonOf(status: number): ExitReason {
  const isRefusal = status < 500 || REFUSALS.includes(status);
  return REASONS[status] ?? (isRefusal ? "refused" : "serverFailed");
}

function retryAfter({ headers }: Response): number | undefined {
  return parseRetryAfter(headers.get("retry-after"));
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return parseRecord(JSON.parse(text));
  } catch {
    return {};
  }
}

function parseRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return value as Record<string, unknown>;
}

function clip(text: string): string {
  if (text.trim() === "") return "(empty)";
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}...` : text;
}
