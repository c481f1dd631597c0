import type { SqlStorage } from "../../domain/sql-storage.ts";
import { nextAttemptAt } from "./backoff.ts";
import type { DueDelivery, Outbox, SettledAttempt } from "./outbox.ts";
import type { MessageAnswer, SendMessage } from "./send-message.ts";
import type { SigningSecrets } from "./signing-secrets.ts";
import type { StoredWebhook, WebhookTable } from "./webhook-table.ts";

/** In flight at the same time: the platform allows six connections. A receiver that hangs keeps the others waiting for nothing. */
const MAX_IN_FLIGHT = 5;
const MAX_OF_WEBHOOK = 2;
/** Longer than an attempt takes: after that nobody waits for its end any more. */
const LEASE_MS = 60_000;
/** What a receiver answers that wants no messages any more. */
const GONE = 410;

export interface DelivererParts {
  readonly storage: Pick<SqlStorage, "transaction" | "now">;
  readonly webhooks: WebhookTable;
  readonly outbox: Outbox;
  /** `undefined` without the secret PRIVACY_KEY. */
  readonly secrets: SigningSecrets | undefined;
  readonly send: SendMessage;
  readonly random: () => number;
  /** Of each attempt. */
  readonly onAttempt: (state: SettledAttempt["state"]) => void;
}

/**
 * Sends what is due, until nothing is. Deliveries begin at once, before the first wait, so that nothing of them is due any more when this
 * returns its promise. It may be called while it runs.
 */
export function createDeliverer(parts: DelivererParts) {
  const { storage, webhooks, outbox, secrets, send, random, onAttempt } = parts;
  const inFlight = new Map<string, number>();
  let running = 0;

  function fill(): Promise<void>[] {
    const started: Promise<void>[] = [];
    while (running < MAX_IN_FLIGHT) {
      const busy = [...inFlight].filter(([, count]) => count >= MAX_OF_WEBHOOK);
      const now = storage.now();
      const due = outbox.due(now, new Set(busy.map(([name]) => name)));
      if (!due) break;
      outbox.begin(due, now, now + LEASE_MS);
      running += 1;
      inFlight.set(due.webhook, (inFlight.get(due.webhook) ?? 0) + 1);
      started.push(attempt(due));
    }
    return started;
  }

  async function attempt(due: DueDelivery): Promise<void> {
    try {
      const webhook = webhooks.find(due.webhook);
      if (!webhook) return;
      settle(due, await sendTo(webhook, due));
    } finally {
      running -= 1;
      const left = (inFlight.get(due.webhook) ?? 1) - 1;
      if (left > 0) inFlight.set(due.webhook, left);
      else inFlight.delete(due.webhook);
    }
    await Promise.all(fill());
  }

  async function sendTo(webhook: StoredWebhook, due: DueDelivery): Promise<MessageAnswer> {
    if (!secrets) return { problem: "the Worker has no PRIVACY_KEY, so nothing can be signed" };
    if ((await secrets.keyId()) !== webhook.keyId)
      return { problem: "PRIVACY_KEY has changed: give the webhook a new secret by rotating it" };
    const { url, salt, previousSalt, previousUntil = 0 } = webhook;
    const isPreviousValid = previousSalt !== undefined && previousUntil > storage.now();
    const salts = isPreviousValid ? [salt, previousSalt] : [salt];
    const valid = await Promise.all(salts.map((each) => secrets.derive(each)));
    return send({ url, id: due.messageId, body: due.body, secrets: valid });
  }

  function settle(due: DueDelivery, answer: MessageAnswer): void {
    const now = storage.now();
    const settled = toSettled(due, answer, now);
    storage.transaction(() => {
      outbox.settle(due, settled, now);
      if (answer.status !== GONE) return;
      webhooks.setState(due.webhook, "gone");
      outbox.giveUp(due.webhook, "the receiver is gone (410)", now);
    });
    onAttempt(settled.state);
  }

  function toSettled(due: DueDelivery, answer: MessageAnswer, now: number): SettledAttempt {
    const { status, problem, retryAfterMs } = answer;
    if (problem === undefined) return { state: "delivered", status };
    // Whoever tests waits for the answer, and does not want another one.
    const isFinal = status === GONE || due.type === "alert.test";
    const failed = { attempts: due.attempts + 1, createdAt: due.createdAt, retryAfterMs };
    const nextAt = isFinal ? undefined : nextAttemptAt(failed, now, random());
    return { state: nextAt === undefined ? "dead" : "pending", status, problem, nextAt };
  }

  return {
    /** Whether something is in flight: what is due is begun when that ends. */
    isBusy: (): boolean => running > 0,

    /** @returns when nothing of what was due is in flight any more */
    async deliver(): Promise<void> {
      await Promise.all(fill());
    },
  };
}
