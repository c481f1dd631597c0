import type { KeyDigest, KeyState } from "../../domain/access/key-authority.ts";
import type { KeyFields, StoredKey } from "../../domain/access/stored-key.ts";
import type { Migration } from "../../domain/durable-object/migrate.ts";
import type { Sql, SqlRow } from "../../domain/sql-storage.ts";

export const KEY_MIGRATIONS: readonly Migration[] = [
  {
    name: "keys-1",
    statements: [
      `CREATE TABLE keys (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        fields TEXT NOT NULL,
        owner TEXT,
        expires_at INTEGER,
        disabled INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        updated_at INTEGER NOT NULL,
        rotated_at INTEGER,
        revoked_at INTEGER
      ) STRICT`,
      "CREATE INDEX keys_by_owner ON keys (owner) WHERE owner IS NOT NULL",
      `CREATE TABLE key_digests (
        sha256 TEXT PRIMARY KEY,
        key_id TEXT NOT NULL,
        expires_at INTEGER
      ) STRICT`,
      "CREATE INDEX key_digests_by_key ON key_digests (key_id)",
    ],
  },
];

/** A row of the table `keys`, with the digests that have not expired. */
export interface KeyRecord {
  readonly seq: number;
  readonly id: string;
  readonly fields: KeyFields;
  readonly disabled: boolean;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly updatedAt: number;
  readonly rotatedAt: number | undefined;
  readonly revokedAt: number | undefined;
}

/** Columns of a row that can change. */
export type KeyChange = Pick<KeyRecord, "fields" | "disabled" | "updatedAt">;

export interface RowQuery {
  readonly before: number;
  readonly limit: number;
  readonly owner: string | undefined;
}

const ACCEPTED = "(expires_at IS NULL OR expires_at > ?)";
const NEWEST_FIRST = "ORDER BY expires_at IS NULL DESC, expires_at DESC";

export function createKeyTable(sql: Sql) {
  return {
    find(id: string): KeyRecord | undefined {
      const [row] = sql.exec("SELECT * FROM keys WHERE id = ?", id);
      return row && toRecord(row);
    },
    /** By their ids; two statements for any number of them, because the authority is asked for many at once. */
    findAll(
      ids: readonly string[],
      at: number,
    ): Map<string, { readonly record: KeyRecord; readonly digests: readonly KeyDigest[] }> {
      const list = JSON.stringify(ids);
      const rows = sql.exec(
        "SELECT * FROM keys WHERE id IN (SELECT value FROM json_each(?))",
        list,
      );
      const found = new Map(
        [...rows]
          .map(toRecord)
          .map((record) => [record.id, { record, digests: [] as KeyDigest[] }]),
      );
      const digests = sql.exec(
        `SELECT key_id, sha256, expires_at FROM key_digests WHERE key_id IN (SELECT value FROM json_each(?)) AND ${ACCEPTED} ${NEWEST_FIRST}`,
        list,
        at,
      );
      for (const row of digests) found.get(String(row.key_id))?.digests.push(toDigest(row));
      return found;
    },
    /** Newest first. */
    list({ before, limit, owner }: RowQuery): KeyRecord[] {
      const rows =
        owner === undefined
          ? sql.exec("SELECT * FROM keys WHERE seq < ? ORDER BY seq DESC LIMIT ?", before, limit)
          : sql.exec(
              "SELECT * FROM keys WHERE seq < ? AND owner = ? ORDER BY seq DESC LIMIT ?",
              before,
              owner,
              limit,
            );
      return [...rows].map(toRecord);
    },
    /** Those that are not revoked. */
    count(): number {
      const [row] = sql.exec("SELECT COUNT(*) AS count FROM keys WHERE revoked_at IS NULL");
      return Number(row?.count);
    },
    insert(record: Pick<KeyRecord, "id" | "fields" | "createdAt" | "createdBy">): void {
      const { id, fields, createdAt, createdBy } = record;
      sql.exec(
        "INSERT INTO keys (id, fields, owner, expires_at, created_at, created_by, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        id,
        JSON.stringify(fields),
        fields.owner ?? null,
        expiryOf(fields) ?? null,
        createdAt,
        createdBy,
        createdAt,
      );
    },
    update(id: string, { fields, disabled, updatedAt }: KeyChange): void {
      sql.exec(
        "UPDATE keys SET fields = ?, owner = ?, expires_at = ?, disabled = ?, updated_at = ? WHERE id = ?",
        JSON.stringify(fields),
        fields.owner ?? null,
        expiryOf(fields) ?? null,
        disabled ? 1 : 0,
        updatedAt,
        id,
      );
    },
    setRotated(id: string, at: number): void {
      sql.exec("UPDATE keys SET rotated_at = ?, updated_at = ? WHERE id = ?", at, at, id);
    },
    setRevoked(id: string, at: number): void {
      sql.exec("UPDATE keys SET revoked_at = ?, updated_at = ? WHERE id = ?", at, at, id);
      sql.exec("DELETE FROM key_digests WHERE key_id = ?", id);
    },
    /** Those that are accepted at a time; the one that does not end by itself first. */
    digests(id: string, at: number): KeyDigest[] {
      const rows = sql.exec(
        `SELECT sha256, expires_at FROM key_digests WHERE key_id = ? AND ${ACCEPTED} ${NEWEST_FIRST}`,
        id,
        at,
      );
      return [...rows].map(toDigest);
    },
    hasDigest(sha256: string): boolean {
      return [...sql.exec("SELECT 1 FROM key_digests WHERE sha256 = ?", sha256)].length > 0;
    },
    addDigest(id: string, sha256: string): void {
      sql.exec("INSERT INTO key_digests (sha256, key_id) VALUES (?, ?)", sha256, id);
    },
    /** Ends all digests of a key at a time, unless they end before; those that have ended are removed. */
    endDigests(id: string, at: number, now: number): void {
      sql.exec(
        "UPDATE key_digests SET expires_at = MIN(COALESCE(expires_at, ?), ?) WHERE key_id = ?",
        at,
        at,
        id,
      );
      sql.exec("DELETE FROM key_digests WHERE key_id = ? AND expires_at <= ?", id, now);
    },
  };
}

/** In milliseconds since the epoch. */
export function expiryOf({ expiresAt }: Pick<KeyFields, "expiresAt">): number | undefined {
  return expiresAt === undefined ? undefined : Date.parse(expiresAt);
}

export function stateOf({ fields, disabled, revokedAt }: KeyRecord, now: number): KeyState {
  if (revokedAt !== undefined) return "revoked";
  if ((expiryOf(fields) ?? Number.POSITIVE_INFINITY) <= now) return "expired";
  return disabled ? "disabled" : "active";
}

export function toStoredKey(
  record: KeyRecord,
  digests: readonly KeyDigest[],
  now: number,
): StoredKey {
  const { id, fields, createdAt, createdBy, updatedAt, rotatedAt, revokedAt } = record;
  const overlapEndsAt = Math.max(...digests.map(({ expiresAt = 0 }) => expiresAt), 0);
  return {
    id,
    ...fields,
    state: stateOf(record, now),
    createdAt: toTime(createdAt),
    createdBy,
    updatedAt: toTime(updatedAt),
    ...(rotatedAt !== undefined && { rotatedAt: toTime(rotatedAt) }),
    ...(overlapEndsAt > 0 && { overlapEndsAt: toTime(overlapEndsAt) }),
    ...(revokedAt !== undefined && { revokedAt: toTime(revokedAt) }),
  };
}

function toTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function toDigest({ sha256, expires_at: expiresAt }: SqlRow): KeyDigest {
  return {
    sha256: String(sha256),
    ...(typeof expiresAt === "number" && { expiresAt }),
  };
}

function toRecord(row: SqlRow): KeyRecord {
  const optional = (name: string): number | undefined =>
    row[name] === null ? undefined : Number(row[name]);
  return {
    seq: Number(row.seq),
    id: String(row.id),
    fields: JSON.parse(String(row.fields)),
    disabled: row.disabled === 1,
    createdAt: Number(row.created_at),
    createdBy: String(row.created_by),
    updatedAt: Number(row.updated_at),
    rotatedAt: optional("rotated_at"),
    revokedAt: optional("revoked_at"),
  };
}
