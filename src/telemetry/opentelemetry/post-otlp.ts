/** The kinds of records, as the paths of their endpoints name them. */
export type Signal = "traces" | "logs";

/** What became of a request to the endpoint. */
export type Answer =
  | { readonly kind: "accepted"; readonly rejected: number; readonly problem?: string | undefined }
  /** The same request would be refused again. */
  | { readonly kind: "refused"; readonly problem: string }
  | {
      readonly kind: "failed";
      readonly problem: string;
      readonly retryAfterMs?: number | undefined;
    };

/** After these the same request may be accepted (https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes). */
const RETRYABLE: readonly number[] = [429, 502, 503, 504];
const TIMEOUT_MS = 10_000;
const MAX_REPLY_LENGTH = 65_536;

export interface OtlpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly fetch: typeof fetch;
}

/** It never throws. */
export async function postOtlp({ url, headers, body, fetch }: OtlpRequest): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      // Another host would get the secrets of the headers.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { status, ok } = response;
    if (ok) return toAccepted(await readReply(response));
    await response.body?.cancel();
    const problem = `${new URL(url).host} responded with ${status}`;
    if (!RETRYABLE.includes(status)) return { kind: "refused", problem };
    return { kind: "failed", problem, retryAfterMs: readRetryAfter(response) };
  } catch (error) {
    return { kind: "failed", problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Of a reply that is longer than it can be, nothing. */
async function readReply(response: Response): Promise<string> {
  const { headers, body } = response;
  if (headers.get("content-type")?.startsWith("application/json") && body) {
    let text = "";
    for await (const part of body.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.length > MAX_REPLY_LENGTH) return "";
    }
    return text;
  }
  await body?.cancel();
  return "";
}

/** `partialSuccess`: records that were rejected, while the others were accepted. */
function toAccepted(reply: string): Answer {
  try {
    const { rejectedSpans, rejectedLogRecords, errorMessage } =
      JSON.parse(reply).partialSuccess ?? {};
    const rejected = Number(rejectedSpans ?? rejectedLogRecords ?? 0);
    const problem = typeof errorMessage === "string" ? errorMessage : undefined;
    return { kind: "accepted", rejected: Number.isSafeInteger(rejected) ? rejected : 0, problem };
  } catch {
    return { kind: "accepted", rejected: 0 };
  }
}

/** Only the form in seconds, which is the one of OTLP's servers. */
function readRetryAfter({ headers }: Response): number | undefined {
  const text = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
}
