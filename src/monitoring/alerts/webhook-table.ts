import { matchesModel } from "../../domain/access/model-pattern.ts";
import type { Alert } from "../../domain/alerts/alert.ts";
import { SEVERITIES, type Severity } from "../../domain/alerts/alert-rule.ts";
import type { Webhook, WebhookFields, WebhookState } from "../../domain/alerts/webhook.ts";
import type { Sql, SqlRow } from "../../domain/sql-storage.ts";

/** A webhook with what its secret is derived from. */
export interface StoredWebhook
  extends Pick<Webhook, "name" | "url" | "severities" | "models" | "createdAt" | "updatedAt"> {
  readonly state: Exclude<WebhookState, "secret_lost">;
  readonly salt: string;
  /** Of the key that the secret is derived from. */
  readonly keyId: string;
  readonly previousSalt?: string | undefined;
  readonly previousUntil?: number | undefined;
}

export type WebhookTable = ReturnType<typeof createWebhookTable>;

export function createWebhookTable(sql: Sql) {
  return {
    all(): StoredWebhook[] {
      return [...sql.exec("SELECT * FROM webhooks ORDER BY name")].map(toStored);
    },

    find(name: string): StoredWebhook | undefined {
      const [row] = sql.exec("SELECT * FROM webhooks WHERE name = ?", name);
      return row && toStored(row);
    },

    put(webhook: StoredWebhook): void {
      sql.exec(
        "INSERT OR REPLACE INTO webhooks (name, url, severities, models, state, salt, key_id, previous_salt, previous_until, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        webhook.name,
        webhook.url,
        JSON.stringify(webhook.severities),
        JSON.stringify(webhook.models),
        webhook.state,
        webhook.salt,
        webhook.keyId,
        webhook.previousSalt ?? null,
        webhook.previousUntil ?? null,
        webhook.createdAt,
        webhook.updatedAt,
      );
    },

    setState(name: string, state: StoredWebhook["state"]): void {
      sql.exec("UPDATE webhooks SET state = ? WHERE name = ?", state, name);
    },

    remove(name: string): void {
      sql.exec("DELETE FROM webhooks WHERE name = ?", name);
    },
  };
}

/** What fields leave out is as it is by default, not as it was. */
export function withFields(
  webhook: Omit<StoredWebhook, "url" | "severities" | "models" | "state">,
  { url, severities = [...SEVERITIES], models = [], enabled = true }: WebhookFields,
): StoredWebhook {
  return { ...webhook, url, severities, models, state: enabled ? "enabled" : "disabled" };
}

/** Whether a webhook receives the messages of an alert. */
export function receives(
  { state, severities, models }: StoredWebhook,
  { severity, model }: Pick<Alert, "severity" | "model">,
): boolean {
  if (state !== "enabled" || !severities.includes(severity)) return false;
  return models.length === 0 || (model !== undefined && matchesModel(models, model));
}

function toStored(row: SqlRow): StoredWebhook {
  return {
    name: String(row.name),
    url: String(row.url),
    severities: JSON.parse(String(row.severities)) as Severity[],
    models: JSON.parse(String(row.models)) as string[],
    state: String(row.state) as StoredWebhook["state"],
    salt: String(row.salt),
    keyId: String(row.key_id),
    ...(row.previous_salt !== null && { previousSalt: String(row.previous_salt) }),
    ...(row.previous_until !== null && { previousUntil: Number(row.previous_until) }),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}
