import type { Alert, AlertTransition, Transition } from "../../domain/alerts/alert.ts";
import type { Sql, SqlRow } from "../../domain/sql-storage.ts";
import { keyOf } from "./evaluate-rules.ts";

const DAY_MS = 86_400_000;
/** A resolved alert is forgotten after so long. */
const RESOLVED_MS = 7 * DAY_MS;
const HISTORY_MS = 90 * DAY_MS;
const MAX_HISTORY = 5000;

export type AlertTable = ReturnType<typeof createAlertTable>;

/** Alerts that are not inactive, and what has happened. */
export function createAlertTable(sql: Sql) {
  return {
    /** By {@link keyOf}. */
    all(): Map<string, Alert> {
      const rows = [...sql.exec("SELECT key, alert FROM alerts")];
      return new Map(rows.map(({ key, alert }) => [String(key), toAlert(alert)]));
    },

    put(alert: Alert): void {
      sql.exec(
        "INSERT OR REPLACE INTO alerts (key, alert, item) VALUES (?, ?, ?)",
        keyOf(alert),
        JSON.stringify(alert),
        alert.item ?? null,
      );
    },

    remove(key: string): void {
      sql.exec("DELETE FROM alerts WHERE key = ?", key);
    },

    /** @returns its number, which no other transition ever has */
    append(transition: Transition, at: number, alert: Alert): number {
      const [row] = sql.exec(
        "INSERT INTO alert_history (at, transition, alert, item) VALUES (?, ?, ?, ?) RETURNING seq",
        at,
        transition,
        JSON.stringify(alert),
        alert.item ?? null,
      );
      return Number(row?.seq);
    },

    /** Writes what became known of a transition after it got its number. */
    complete(seq: number, alert: Alert, messageId: string | undefined): void {
      sql.exec(
        "UPDATE alert_history SET alert = ?, message_id = ? WHERE seq = ?",
        JSON.stringify(alert),
        messageId ?? null,
        seq,
      );
    },

    /** Newest first. */
    history(limit: number, before = Number.MAX_SAFE_INTEGER): AlertTransition[] {
      const rows = sql.exec(
        "SELECT at, transition, alert, message_id FROM alert_history WHERE at < ? ORDER BY seq DESC LIMIT ?",
        before,
        limit,
      );
      return [...rows].map(toTransition);
    },

    sweep(now: number): void {
      for (const [key, { state, since }] of this.all())
        if (state === "resolved" && since < now - RESOLVED_MS) this.remove(key);
      sql.exec("DELETE FROM alert_history WHERE at < ?", now - HISTORY_MS);
      sql.exec(
        `DELETE FROM alert_history WHERE seq <= (SELECT max(seq) FROM alert_history) - ${MAX_HISTORY}`,
      );
    },

    /** Clients and countries that rows tell of. */
    items(): string[] {
      const rows = sql.exec(
        "SELECT item FROM alerts WHERE item IS NOT NULL UNION SELECT item FROM alert_history WHERE item IS NOT NULL",
      );
      return [...rows].map(({ item }) => String(item));
    },

    /** Removes what tells of an item, such as a client. @returns how many rows */
    erase(item: string): number {
      const alerts = [...sql.exec("DELETE FROM alerts WHERE item = ? RETURNING key", item)];
      const history = [...sql.exec("DELETE FROM alert_history WHERE item = ? RETURNING seq", item)];
      return alerts.length + history.length;
    },

    /** What tells of an item. */
    export(item: string): readonly unknown[] {
      const alerts = [...sql.exec("SELECT alert FROM alerts WHERE item = ?", item)];
      const history = sql.exec(
        "SELECT at, transition, alert, message_id FROM alert_history WHERE item = ? ORDER BY seq",
        item,
      );
      return [...alerts.map(({ alert }) => toAlert(alert)), ...[...history].map(toTransition)];
    },
  };
}

function toAlert(text: SqlRow[string] | undefined): Alert {
  return JSON.parse(String(text)) as Alert;
}

function toTransition({ at, transition, alert, message_id: messageId }: SqlRow): AlertTransition {
  return {
    at: Number(at),
    transition: String(transition) as Transition,
    alert: toAlert(alert),
    ...(messageId !== null && { messageId: String(messageId) }),
  };
}
