import type { DeliveriesQuery } from "../../domain/alerts/alerts.ts";
import type { Delivery, DeliveryState, MessageType } from "../../domain/alerts/webhook.ts";
import type { Sql, SqlRow } from "../../domain/sql-storage.ts";
import { GIVE_UP_AFTER_MS } from "./backoff.ts";

/** Messages that may wait for one webhook. Of more, none is sent. */
const MAX_PENDING = 1000;
/** How long what was delivered or given up can be seen. */
const KEPT_MS = 7 * 86_400_000;

/** What is to be sent, once to each of some webhooks. */
export interface OutgoingMessage {
  /** The `webhook-id`, by which a receiver knows a message that it has had. */
  readonly id: string;
  readonly type: MessageType;
  /** The same in each attempt. */
  readonly body: string;
  /** A client that it tells of. */
  readonly item?: string | undefined;
}

/** A delivery whose time has come. */
export interface DueDelivery {
  readonly messageId: string;
  readonly webhook: string;
  readonly type: MessageType;
  readonly body: string;
  readonly attempts: number;
  readonly createdAt: number;
}

/** How an attempt ended. */
export interface SettledAttempt {
  readonly state: DeliveryState;
  readonly status?: number | undefined;
  readonly problem?: string | undefined;
  /** Of a pending one. */
  readonly nextAt?: number | undefined;
}

/**
 * An end is not sent before the beginning that it belongs to has arrived, or was given up. Messages to a webhook that is disabled wait for
 * it.
 */
const IS_FREE = `w.state = 'enabled' AND NOT EXISTS (
  SELECT 1 FROM webhook_deliveries AS f
  WHERE d.type = 'alert.resolved' AND f.webhook = d.webhook AND f.state = 'pending'
    AND f.message_id = replace(d.message_id, '_resolved', '_firing'))`;

export type Outbox = ReturnType<typeof createOutbox>;

/** Messages and their deliveries. What is enqueued in a transaction is sent if the transaction is stored, and only then. */
export function createOutbox(sql: Sql) {
  function count(webhook: string, state: DeliveryState): number {
    const [row] = sql.exec(
      "SELECT count(*) AS count FROM webhook_deliveries WHERE webhook = ? AND state = ?",
      webhook,
      state,
    );
    return Number(row?.count);
  }

  return {
    count,

    /** Nothing for a message that it has. */
    enqueue(
      { id, type, body, item }: OutgoingMessage,
      webhooks: readonly string[],
      now: number,
    ): void {
      if (webhooks.length === 0) return;
      sql.exec(
        "INSERT OR IGNORE INTO webhook_messages (id, type, body, item, created_at) VALUES (?, ?, ?, ?, ?)",
        id,
        type,
        body,
        item ?? null,
        now,
      );
      for (const webhook of webhooks) {
        const isFull = count(webhook, "pending") >= MAX_PENDING;
        sql.exec(
          "INSERT OR IGNORE INTO webhook_deliveries (message_id, webhook, type, state, attempts, created_at, at, next_at, problem) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)",
          id,
          webhook,
          type,
          isFull ? "dead" : "pending",
          now,
          now,
          isFull ? null : now,
          isFull ? `${MAX_PENDING} messages wait already` : null,
        );
      }
    },

    /** Those that have waited for the longest time first. @param leftOut webhooks that have enough to do */
    due(now: number, leftOut: ReadonlySet<string>): DueDelivery | undefined {
      const rows = sql.exec(
        `SELECT d.message_id, d.webhook, d.type, d.attempts, d.created_at, m.body
         FROM webhook_deliveries AS d JOIN webhooks AS w ON w.name = d.webhook JOIN webhook_messages AS m ON m.id = d.message_id
         WHERE d.next_at <= ? AND d.webhook NOT IN (SELECT value FROM json_each(?)) AND ${IS_FREE}
         ORDER BY d.next_at, d.message_id LIMIT 1`,
        now,
        JSON.stringify([...leftOut]),
      );
      const [row] = [...rows];
      return row && toDue(row);
    },

    /** Of those that wait; `undefined` when none does. */
    nextAt(): number | undefined {
      const rows = sql.exec(
        `SELECT min(d.next_at) AS at FROM webhook_deliveries AS d JOIN webhooks AS w ON w.name = d.webhook
         WHERE d.next_at IS NOT NULL AND ${IS_FREE}`,
      );
      const [row] = [...rows];
      return typeof row?.at === "number" ? row.at : undefined;
    },

    /** How many deliveries wait. */
    waiting(): number {
      const rows = sql.exec(
        "SELECT count(*) AS count FROM webhook_deliveries WHERE state = 'pending'",
      );
      return Number([...rows][0]?.count);
    },

    /** Begins an attempt. It is made again at that time, if its end does not become known until then. */
    begin({ messageId, webhook }: DueDelivery, now: number, againAt: number): void {
      sql.exec(
        "UPDATE webhook_deliveries SET attempts = attempts + 1, at = ?, next_at = ?, status = NULL, problem = NULL WHERE message_id = ? AND webhook = ?",
        now,
        againAt,
        messageId,
        webhook,
      );
    },

    /** Ends an attempt, unless the delivery has ended otherwise meanwhile. */
    settle(
      { messageId, webhook }: DueDelivery,
      { state, status, problem, nextAt }: SettledAttempt,
      now: number,
    ): void {
      sql.exec(
        "UPDATE webhook_deliveries SET state = ?, status = ?, problem = ?, next_at = ?, at = ? WHERE message_id = ? AND webhook = ? AND state = 'pending'",
        state,
        status ?? null,
        problem ?? null,
        nextAt ?? null,
        now,
        messageId,
        webhook,
      );
    },

    /** Gives up all that waits for a webhook. */
    giveUp(webhook: string, problem: string, now: number): void {
      sql.exec(
        "UPDATE webhook_deliveries SET state = 'dead', next_at = NULL, problem = ?, at = ? WHERE webhook = ? AND state = 'pending'",
        problem,
        now,
        webhook,
      );
    },

    /** Sends again what was given up in the last days, and at once what waits. Tests are not repeated. @returns how many */
    retry(webhook: string, now: number): number {
      const rows = sql.exec(
        "UPDATE webhook_deliveries SET state = 'pending', next_at = ?, created_at = ? WHERE webhook = ? AND state IN ('dead', 'pending') AND type <> 'alert.test' RETURNING message_id",
        now,
        now,
        webhook,
      );
      return [...rows].length;
    },

    /** Newest first. */
    list({ webhook, state, limit }: DeliveriesQuery): Delivery[] {
      const rows = sql.exec(
        `SELECT * FROM webhook_deliveries WHERE webhook = coalesce(?, webhook) AND state = coalesce(?, state)
         ORDER BY created_at DESC, message_id DESC LIMIT ?`,
        webhook ?? null,
        state ?? null,
        limit,
      );
      return [...rows].map(toDelivery);
    },

    ofMessage(id: string): Delivery[] {
      const rows = sql.exec(
        "SELECT * FROM webhook_deliveries WHERE message_id = ? ORDER BY webhook",
        id,
      );
      return [...rows].map(toDelivery);
    },

    /** The one of a webhook that was tried last. */
    last(webhook: string): Delivery | undefined {
      const rows = sql.exec(
        "SELECT * FROM webhook_deliveries WHERE webhook = ? AND attempts > 0 ORDER BY at DESC LIMIT 1",
        webhook,
      );
      const [row] = [...rows];
      return row && toDelivery(row);
    },

    remove(webhook: string): void {
      sql.exec("DELETE FROM webhook_deliveries WHERE webhook = ?", webhook);
    },

    sweep(now: number): void {
      sql.exec(
        "UPDATE webhook_deliveries SET state = 'dead', next_at = NULL, problem = 'the webhook was disabled for a day' WHERE state = 'pending' AND created_at < ? AND webhook IN (SELECT name FROM webhooks WHERE state <> 'enabled')",
        now - GIVE_UP_AFTER_MS,
      );
      sql.exec("DELETE FROM webhook_deliveries WHERE state <> 'pending' AND at < ?", now - KEPT_MS);
      sql.exec(
        "DELETE FROM webhook_messages WHERE id NOT IN (SELECT message_id FROM webhook_deliveries)",
      );
    },

    /** Clients and countries that messages tell of. */
    items(): string[] {
      const rows = sql.exec("SELECT DISTINCT item FROM webhook_messages WHERE item IS NOT NULL");
      return [...rows].map(({ item }) => String(item));
    },

    /** Removes messages that tell of an item, also those that wait. @returns how many */
    erase(item: string): number {
      const ids = [...sql.exec("DELETE FROM webhook_messages WHERE item = ? RETURNING id", item)];
      for (const { id } of ids)
        sql.exec("DELETE FROM webhook_deliveries WHERE message_id = ?", String(id));
      return ids.length;
    },
  };
}

function toDue(row: SqlRow): DueDelivery {
  return {
    messageId: String(row.message_id),
    webhook: String(row.webhook),
    type: String(row.type) as MessageType,
    body: String(row.body),
    attempts: Number(row.attempts),
    createdAt: Number(row.created_at),
  };
}

function toDelivery(row: SqlRow): Delivery {
  return {
    messageId: String(row.message_id),
    webhook: String(row.webhook),
    type: String(row.type) as MessageType,
    state: String(row.state) as DeliveryState,
    attempts: Number(row.attempts),
    createdAt: Number(row.created_at),
    at: Number(row.at),
    ...(row.next_at !== null && { nextAt: Number(row.next_at) }),
    ...(row.status !== null && { status: Number(row.status) }),
    ...(row.problem !== null && { problem: String(row.problem) }),
  };
}
