import { createHmac } from "node:crypto";

export interface ReceivedMessage {
  readonly id: string;
  readonly timestamp: string;
  readonly signatures: readonly string[];
  readonly body: string;
  readonly url: string;
}

/** What a receiver does with a message before it answers. */
export type Reception = (message: ReceivedMessage) => Response | Promise<Response>;

/** A receiver in this process, which drops messages whose id it has had. */
export function createReceiver() {
  const requests: ReceivedMessage[] = [];
  const accepted = new Map<string, ReceivedMessage>();
  const receiver = {
    /** All that arrived. */
    requests,
    /** What was handled, each once. */
    accepted,
    /** Instead of 204, until it is `undefined` again. */
    answer: undefined as Reception | undefined,
    /** What the service fetches with. */
    fetch: async (url: string, init: RequestInit): Promise<Response> => {
      const headers = new Headers(init.headers);
      const message: ReceivedMessage = {
        url,
        id: headers.get("webhook-id") ?? "",
        timestamp: headers.get("webhook-timestamp") ?? "",
        signatures: (headers.get("webhook-signature") ?? "").split(" "),
        body: String(init.body),
      };
      requests.push(message);
      if (receiver.answer) return receiver.answer(message);
      receiver.accept(message);
      return new Response(null, { status: 204 });
    },
    accept(message: ReceivedMessage): void {
      if (!accepted.has(message.id)) accepted.set(message.id, message);
    },
    /** The types of what was handled, in their order. */
    types: () => [...accepted.values()].map(({ body }) => JSON.parse(body).type as string),
  };
  return receiver;
}

/** The signature of a message, by Node's HMAC and the text of Standard Webhooks 1.0.0. */
export function signatureOf(secret: string, { id, timestamp, body }: ReceivedMessage): string {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return `v1,${mac}`;
}
