import type { Migration } from "../../domain/durable-object/migrate.ts";

/** `item` is a column where a row tells of one client, or a country, so that it is found by it. */
export const ALERT_MIGRATIONS: readonly Migration[] = [
  {
    name: "alerts-1",
    statements: [
      // Alerts that are not inactive, as JSON.
      "CREATE TABLE alerts (key TEXT PRIMARY KEY, alert TEXT NOT NULL, item TEXT) STRICT, WITHOUT ROWID",
      "CREATE TABLE alert_history (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, transition TEXT NOT NULL, alert TEXT NOT NULL, item TEXT, message_id TEXT) STRICT",
      // Rules, and how the last evaluation went, as JSON.
      "CREATE TABLE alert_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
      `CREATE TABLE webhooks (
        name TEXT PRIMARY KEY,
        url TEXT NOT NULL,
        severities TEXT NOT NULL,
        models TEXT NOT NULL,
        state TEXT NOT NULL,
        salt TEXT NOT NULL,
        key_id TEXT NOT NULL,
        previous_salt TEXT,
        previous_until INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID`,
      "CREATE TABLE webhook_messages (id TEXT PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL, item TEXT, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
      `CREATE TABLE webhook_deliveries (
        message_id TEXT NOT NULL,
        webhook TEXT NOT NULL,
        type TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        at INTEGER NOT NULL,
        next_at INTEGER,
        status INTEGER,
        problem TEXT,
        PRIMARY KEY (message_id, webhook)
      ) STRICT, WITHOUT ROWID`,
      "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at) WHERE next_at IS NOT NULL",
      "CREATE INDEX webhook_deliveries_of ON webhook_deliveries (webhook, created_at)",
    ],
  },
];
