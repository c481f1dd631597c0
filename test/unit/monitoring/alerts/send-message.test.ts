import { expect, test } from "vitest";
import {
  createSendMessage,
  type MessageAnswer,
} from "../../../../src/monitoring/alerts/send-message.ts";
import signatures from "../../../fixtures/webhooks/signatures.json" with { type: "json" };

const REQUEST = { url: "https://example.com/", id: "m", body: "{}", secrets: ["whsec_AAAA"] };

function send(answer: () => Promise<Response>): Promise<MessageAnswer> {
  const options = { userAgent: "onnxflare/0", now: () => 0, timeoutMs: 15_000 };
  return createSendMessage({ ...options, fetch: answer })(REQUEST);
}

test.each(signatures.cases)(
  "the signatures of $id are those of Python's standardwebhooks",
  async ({ id, timestamp, body, secrets, signatures: expected }) => {
    let sent: RequestInit | undefined;
    const post = createSendMessage({
      fetch: async (_, init) => {
        sent = init;
        return new Response(null, { status: 204 });
      },
      userAgent: "onnxflare/0",
      now: () => timestamp * 1000 + 999,
      timeoutMs: 15_000,
    });
    expect(await post({ ...REQUEST, id, body, secrets })).toEqual({ status: 204 });
    expect(sent).toMatchObject({
      method: "POST",
      redirect: "manual",
      body,
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": expected.join(" "),
      },
    });
  },
);

test.each([
  [200, null, { status: 200 }],
  [404, null, { status: 404, problem: "the receiver answered 404" }],
  [307, null, { status: 307, problem: "a redirect (307), which is not followed" }],
  [503, "120", { status: 503, problem: expect.any(String), retryAfterMs: 120_000 }],
  [429, "Thu, 01 Jan 1970 00:10:00 GMT", { retryAfterMs: 600_000 }],
  [429, "soon", { status: 429, problem: expect.any(String) }],
])("an answer of %i with retry-after %s", async (status, retryAfter, expected) => {
  const headers = new Headers(retryAfter === null ? {} : { "retry-after": retryAfter });
  expect(await send(async () => new Response(null, { status, headers }))).toMatchObject(expected);
});
