import { findExcess } from "../../domain/access/excess.ts";
import type { Grantor } from "../../domain/access/grantor.ts";
import type { VerifiableKey } from "../../domain/access/key-authority.ts";
import type { Quota } from "../../domain/access/key-policy.ts";
import type {
  ChangedKey,
  KeyFields,
  KeyIdentity,
  KeyPage,
  KeyPatch,
  KeyQuery,
  StoredKey,
} from "../../domain/access/stored-key.ts";
import { ApiError } from "../../domain/errors.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import { quote } from "../../shared/quote.ts";
import {
  parseGrantor,
  parseKeyFields,
  parseKeyIdentity,
  parseKeyPatch,
  parseKeyQuery,
  parseOverlapSeconds,
} from "./key-arguments.ts";
import { createKeyTable, expiryOf, type KeyRecord, stateOf, toStoredKey } from "./key-table.ts";
import { mergePatch } from "./merge-patch.ts";

/** Keys that are not revoked, at most. */
const MAX_KEYS = 10_000;
/** Ids of one question, at most. */
const MAX_IDS = 100;
/** Rows that one page looks at, about, of which it has those that are asked for: it may have fewer than its limit. */
const MAX_ROWS = 2000;

export type Keys = ReturnType<typeof createKeys>;

export interface KeyOptions {
  /** What the key has used today. */
  readonly usageOf?: (id: string) => Quota | undefined;
}

/** The keys of the authority. Arguments are checked here, because they come from another Worker. */
export function createKeys(
  { sql, transaction, now }: SqlStorage,
  { usageOf = () => undefined }: KeyOptions = {},
) {
  const table = createKeyTable(sql);

  function toStored(record: KeyRecord): StoredKey {
    const at = now();
    const usage = usageOf(record.id);
    return { ...toStoredKey(record, table.digests(record.id, at), at), ...(usage && { usage }) };
  }

  /** @throws ApiError `key_not_found`, `forbidden` */
  function findFor(id: string, by: Grantor): KeyRecord {
    const record = typeof id === "string" ? table.find(id) : undefined;
    if (!record)
      throw new ApiError("key_not_found", `There is no API key with the id ${quote(String(id))}.`);
    refuseExcess(by, record.fields, "administer a key with");
    return record;
  }

  /** @throws ApiError `key_not_found`, `forbidden`, `key_revoked` */
  function findToChange(id: string, by: Grantor): KeyRecord {
    const record = findFor(id, by);
    if (record.revokedAt === undefined) return record;
    throw new ApiError(
      "key_revoked",
      `The API key ${id} was revoked at ${new Date(record.revokedAt).toISOString()}, which is for good. Create another one.`,
    );
  }

  /**
   * An isolate may know a key for some seconds after it was changed or revoked, in which it must not make itself others.
   * @throws ApiError `invalid_request`, `unauthorized`
   */
  function grantorNow(given: Grantor): Grantor {
    const by = parseGrantor(given);
    if (by.key === undefined) return by;
    const record = table.find(by.key);
    const state = record && stateOf(record, now());
    if (!record || state !== "active")
      throw new ApiError("unauthorized", `The API key of the request is ${state ?? "unknown"}.`, {
        details: { reason: "invalid_token" },
      });
    const { scopes, models, limits, rate, quota, concurrency, expiresAt } = record.fields;
    const bounds = { limits, rate, quota, concurrency, expiresAt };
    return { label: by.label, key: by.key, scopes, models, bounds };
  }

  /** A key that is stored again, because the answer before did not arrive. */
  function sameKey(existing: KeyRecord, sha256: string): StoredKey {
    if (table.digests(existing.id, now()).some((digest) => digest.sha256 === sha256))
      return toStored(existing);
    throw new ApiError("invalid_request", `There is another API key with the id ${existing.id}.`);
  }

  return {
    find(ids: readonly string[]): (VerifiableKey | undefined)[] {
      if (!Array.isArray(ids) || ids.length > MAX_IDS)
        throw new ApiError("invalid_request", `The ids must be a list of at most ${MAX_IDS}.`);
      const at = now();
      const all = table.findAll(ids, at);
      return ids.map((id) => {
        const found = all.get(id);
        if (!found) return undefined;
        const { record, digests } = found;
        const { owner: _, notes: __, ...fields } = record.fields;
        return { policy: { id, ...fields }, state: stateOf(record, at), digests };
      });
    },

    createKey: (identity: KeyIdentity, given: KeyFields, grantor: Grantor): StoredKey =>
      transaction(() => {
        const { id, sha256 } = parseKeyIdentity(identity);
        const by = grantorNow(grantor);
        const existing = table.find(id);
        if (existing) return sameKey(existing, sha256);
        const fields = parseKeyFields(given);
        refusePast(fields, now());
        refuseExcess(by, fields, "give a key");
        if (table.count() >= MAX_KEYS)
          throw new ApiError(
            "invalid_request",
            `There are ${MAX_KEYS} API keys, and cannot be more. Revoke those that are not used any more.`,
          );
        table.insert({ id, fields, createdAt: now(), createdBy: by.label });
        table.addDigest(id, sha256);
        return toStored(findFor(id, by));
      }),

    listKeys(given: KeyQuery, grantor: Grantor): KeyPage {
      const { limit, cursor, state, owner } = parseKeyQuery(given);
      const by = grantorNow(grantor);
      const keys: StoredKey[] = [];
      let last = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor);
      for (let read = 0; read < MAX_ROWS; read += limit + 1) {
        // One more than the page may have, which says whether there is another page.
        const rows = table.list({ before: last, limit: limit + 1, owner });
        for (const row of rows) {
          if (keys.length === limit) return { keys, cursor: String(last) };
          last = row.seq;
          if (findExcess(by, row.fields) !== undefined) continue;
          if (state === undefined || stateOf(row, now()) === state) keys.push(toStored(row));
        }
        if (rows.length <= limit) return { keys };
      }
      return { keys, cursor: String(last) };
    },

    getKey: (id: string, grantor: Grantor): StoredKey => toStored(findFor(id, grantorNow(grantor))),

    updateKey: (id: string, given: KeyPatch, grantor: Grantor): ChangedKey =>
      transaction(() => {
        const by = grantorNow(grantor);
        const record = findToChange(id, by);
        const { disabled = record.disabled, ...patch } = parseKeyPatch(given);
        const fields = parseKeyFields(mergePatch(record.fields, patch));
        if (patch.expiresAt !== undefined) refusePast(fields, now());
        refuseExcess(by, fields, "give a key");
        const before = toStored(record);
        table.update(id, { fields, disabled, updatedAt: now() });
        return { before, after: toStored(findFor(id, by)) };
      }),

    rotateKey: (identity: KeyIdentity, overlapSeconds: number, grantor: Grantor): ChangedKey =>
      transaction(() => {
        const { id, sha256 } = parseKeyIdentity(identity);
        const by = grantorNow(grantor);
        const record = findToChange(id, by);
        const at = now();
        const [current] = table.digests(id, at);
        const before = toStored(record);
        if (current?.sha256 === sha256) return { before, after: before };
        if (table.hasDigest(sha256))
          throw new ApiError("invalid_request", "A secret cannot be given to a key again.");
        table.endDigests(id, at + parseOverlapSeconds(overlapSeconds) * 1000, at);
        table.addDigest(id, sha256);
        table.setRotated(id, at);
        return { before, after: toStored(findFor(id, by)) };
      }),

    revokeKey: (id: string, grantor: Grantor): ChangedKey =>
      transaction(() => {
        const by = grantorNow(grantor);
        const record = findFor(id, by);
        const before = toStored(record);
        if (record.revokedAt === undefined) table.setRevoked(id, now());
        return { before, after: toStored(findFor(id, by)) };
      }),
  };
}

/** @throws ApiError `invalid_request` */
function refusePast(fields: KeyFields, now: number): void {
  const expiry = expiryOf(fields);
  if (expiry === undefined || expiry > now) return;
  throw new ApiError(
    "invalid_request",
    `"expiresAt" must be in the future; got ${fields.expiresAt}, and it is ${new Date(now).toISOString()}. To end a key now, revoke or disable it.`,
    { details: { field: "expiresAt" } },
  );
}

/** @throws ApiError `forbidden` */
function refuseExcess(by: Grantor, fields: KeyFields, what: string): void {
  const excess = findExcess(by, fields);
  if (excess === undefined) return;
  throw new ApiError(
    "forbidden",
    `This credential cannot ${what} ${excess}: it does not have that itself.`,
  );
}
