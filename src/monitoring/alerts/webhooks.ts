import type {
  IssuedWebhook,
  PutWebhook,
  Webhook,
  WebhookFields,
} from "../../domain/alerts/webhook.ts";
import { MAX_WEBHOOKS } from "../../domain/alerts/webhook.ts";
import { ApiError } from "../../domain/errors.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import { quote } from "../../shared/quote.ts";
import type { Outbox } from "./outbox.ts";
import { createSalt, type SigningSecrets } from "./signing-secrets.ts";
import { type StoredWebhook, type WebhookTable, withFields } from "./webhook-table.ts";

export interface WebhooksParts {
  readonly storage: SqlStorage;
  readonly table: WebhookTable;
  readonly outbox: Outbox;
  /** `undefined` without the secret PRIVACY_KEY. */
  readonly secrets: SigningSecrets | undefined;
}

/** Creates, changes and removes webhooks. */
export function createWebhooks({ storage, table, outbox, secrets }: WebhooksParts) {
  const { transaction, now } = storage;

  /** @throws ApiError `webhook_not_found` */
  function find(name: string): StoredWebhook {
    const found = table.find(name);
    if (found) return found;
    const names = table.all().map((webhook) => quote(webhook.name));
    throw new ApiError(
      "webhook_not_found",
      `There is no webhook ${quote(name)}; ${names.length === 0 ? "there are none" : `there are ${names.join(", ")}`}.`,
    );
  }

  function view(webhook: StoredWebhook, keyId: string | undefined): Webhook {
    const { name, url, severities, models, createdAt, updatedAt, previousUntil } = webhook;
    const last = outbox.last(name);
    return {
      name,
      url,
      severities,
      models,
      state: webhook.state === "enabled" && webhook.keyId !== keyId ? "secret_lost" : webhook.state,
      createdAt,
      updatedAt,
      ...(previousUntil !== undefined &&
        previousUntil > now() && { previousSecretUntil: previousUntil }),
      pending: outbox.count(name, "pending"),
      dead: outbox.count(name, "dead"),
      ...(last && { lastDelivery: last }),
    };
  }

  /** @throws ApiError `not_supported` without PRIVACY_KEY */
  function needSecrets(): SigningSecrets {
    if (secrets) return secrets;
    throw new ApiError(
      "not_supported",
      "This deployment can't sign messages: the secret PRIVACY_KEY, of which the secrets of webhooks are derived, is missing (docs/alerts.md).",
    );
  }

  return {
    find,

    async webhooks(): Promise<readonly Webhook[]> {
      const keyId = await secrets?.keyId();
      return table.all().map((webhook) => view(webhook, keyId));
    },

    async webhook(name: string): Promise<Webhook> {
      const keyId = await secrets?.keyId();
      return view(find(name), keyId);
    },

    async putWebhook(name: string, fields: WebhookFields): Promise<PutWebhook> {
      const signing = needSecrets();
      const [keyId, salt] = [await signing.keyId(), createSalt()];
      const secret = await signing.derive(salt);
      return transaction(() => {
        const known = table.find(name);
        if (!known && table.all().length >= MAX_WEBHOOKS)
          throw new ApiError(
            "invalid_request",
            `There are ${MAX_WEBHOOKS} webhooks, which is the most that there can be: delete one of them.`,
          );
        const before = known && view(known, keyId);
        const base = known ?? { name, salt, keyId, createdAt: now() };
        table.put(withFields({ ...base, updatedAt: now() }, fields));
        const webhook = view(find(name), keyId);
        return known ? { before, webhook } : { before, webhook, secret };
      });
    },

    async rotateWebhook(name: string, overlapSeconds: number): Promise<IssuedWebhook> {
      const signing = needSecrets();
      const [keyId, salt] = [await signing.keyId(), createSalt()];
      const secret = await signing.derive(salt);
      return transaction(() => {
        const { previousSalt: _, previousUntil: __, ...known } = find(name);
        // The secret before cannot be derived of another key.
        const hasOverlap = overlapSeconds > 0 && known.keyId === keyId;
        table.put({
          ...known,
          salt,
          keyId,
          updatedAt: now(),
          ...(hasOverlap && {
            previousSalt: known.salt,
            previousUntil: now() + overlapSeconds * 1000,
          }),
        });
        return { webhook: view(find(name), keyId), secret };
      });
    },

    async deleteWebhook(name: string): Promise<Webhook> {
      const keyId = await secrets?.keyId();
      return transaction(() => {
        const webhook = view(find(name), keyId);
        table.remove(name);
        outbox.remove(name);
        return webhook;
      });
    },
  };
}
