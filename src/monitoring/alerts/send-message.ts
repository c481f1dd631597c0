import { Webhook as Signer } from "standardwebhooks";
import { parseRetryAfter } from "./backoff.ts";

/** The global function, or what a test has in its place. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface MessageRequest {
  readonly url: string;
  readonly id: string;
  readonly body: string;
  /** The one that receivers should have, and others that they may have still. */
  readonly secrets: readonly string[];
}

/** How a receiver answered. */
export interface MessageAnswer {
  readonly status?: number | undefined;
  /** Without a status, or beside one that is no success. Never a part of the URL, which may have a secret. */
  readonly problem?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

export interface SendOptions {
  readonly fetch: Fetch;
  readonly userAgent: string;
  readonly now: () => number;
  readonly timeoutMs: number;
}

/** Sends a message by Standard Webhooks 1.0.0. It never throws. */
export type SendMessage = (request: MessageRequest) => Promise<MessageAnswer>;

export function createSendMessage({ fetch, userAgent, now, timeoutMs }: SendOptions): SendMessage {
  return async ({ url, id, body, secrets }) => {
    // Of the attempt, so that a receiver may refuse what somebody has recorded.
    const at = new Date(now());
    const signatures = secrets.map((secret) => new Signer(secret).sign(id, at, body));
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": userAgent,
          "webhook-id": id,
          "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
          "webhook-signature": signatures.join(" "),
        },
        body,
        // It could lead anywhere.
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { status, headers } = response;
      await response.body?.cancel().catch(() => undefined);
      if (status >= 200 && status < 300) return { status };
      const retryAfterMs = parseRetryAfter(headers.get("retry-after"), now());
      return { status, problem: problemOf(status), ...(retryAfterMs && { retryAfterMs }) };
    } catch (error) {
      const isLate = error instanceof Error && /Timeout|Abort/.test(error.name);
      return {
        problem: isLate
          ? `no answer within ${timeoutMs / 1000} seconds`
          : "the connection failed, or was closed without an answer",
      };
    }
  };
}

function problemOf(status: number): string {
  if (status >= 300 && status < 400) return `a redirect (${status}), which is not followed`;
  return `the receiver answered ${status}`;
}
