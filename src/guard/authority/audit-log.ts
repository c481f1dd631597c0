import type { AuditPage, AuditQuery, ListedEntry } from "../../domain/audit/audit-authority.ts";
import { toBounded } from "../../domain/audit/audit-bounds.ts";
import {
  type AuditHead,
  type AuditRecord,
  EMPTY_HEAD,
  hashOf,
  toDetailsText,
  toHashedText,
} from "../../domain/audit/audit-entry.ts";
import type { SqlRow, SqlStorage } from "../../domain/sql-storage.ts";
import { toCanonicalJson } from "../../shared/canonical-json.ts";
import { toHex } from "../../shared/hex.ts";
import { matches, toHead, toListed } from "./audit-row.ts";

/** Rows that are read for one page, whether they match its filter or not. */
const MAX_SCANNED = 2000;
/** Of them, those of one query. */
const PIECE = 200;
/** Characters of a page, which is in memory as a whole. */
const MAX_PAGE = 2 * 1024 * 1024;
/** Entries of which one entry says that their details were erased. */
const MAX_ERASED = 1000;
const SALT_BYTES = 16;

const COLUMNS = "seq, entry, hash, details, salt";
/** Of an API key: changes of it, and those that it has made. Rows that are no JSON belong to nobody. */
const OF_KEY =
  "json_valid(entry) AND (json_extract(entry, '$.target.key') = ? OR json_extract(entry, '$.by') = ?)";

/** The audit log: a chain of entries, to which is only ever appended. */
export interface AuditLog {
  appendAudit(record: AuditRecord): Promise<AuditHead>;
  readAudit(query: AuditQuery): AuditPage;
  auditHead(): AuditHead;
  /** All entries of an API key. */
  exportAudit(keyId: string): ListedEntry[];
  /**
   * Removes the details of the entries of an API key, and appends entries that say so.
   * @returns how many entries had details
   */
  eraseAudit(keyId: string): Promise<number>;
}

export function createAuditLog({ sql, transaction, now }: SqlStorage): AuditLog {
  let previousAppend: Promise<unknown> = Promise.resolve();

  /** Hashing waits, and another entry must not have the same previous one. */
  function inTurn<T>(append: () => Promise<T>): Promise<T> {
    const appended = previousAppend.then(append);
    previousAppend = appended.catch(() => undefined);
    return appended;
  }

  function lastRow(): SqlRow | undefined {
    return first(sql.exec(`SELECT ${COLUMNS} FROM audit ORDER BY seq DESC LIMIT 1`));
  }

  function findAppended({ change, phase }: AuditRecord): AuditHead | undefined {
    const query =
      "SELECT seq, hash FROM audit WHERE json_extract(entry, '$.change') = ? AND json_extract(entry, '$.phase') = ?";
    return toHead(first(sql.exec(query, change, phase)));
  }

  /** @param alongside what is written with the entry, or not at all */
  async function append(record: AuditRecord, alongside = () => {}): Promise<AuditHead> {
    const { details, ...chained } = toBounded(record);
    const salt = details ? toHex(crypto.getRandomValues(new Uint8Array(SALT_BYTES))) : null;
    const detailsHash = details && salt && (await hashOf(toDetailsText(details, salt)));
    const last = lastRow();
    const { seq: lastSeq, hash: previous } = toHead(last) ?? EMPTY_HEAD;
    const seq = lastSeq + 1;
    const at = new Date(Math.max(now(), timeOf(last))).toISOString();
    const text = toHashedText({
      ...chained,
      seq,
      at,
      previous,
      ...(detailsHash && { detailsHash }),
    });
    const hash = await hashOf(text);
    transaction(() => {
      const stored = details ? toCanonicalJson({ ...details }) : null;
      const insert = `INSERT INTO audit (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`;
      sql.exec(insert, seq, text, hash, stored, salt);
      alongside();
    });
    return { seq, hash };
  }

  /**
   * In pieces, each of which is read to its end: a page may end before, and a cursor that is left open would keep the database from
   * shortening its log.
   */
  function* scan(condition: string, from: number): Generator<SqlRow> {
    let at = from;
    for (let scanned = 0; scanned < MAX_SCANNED; scanned += PIECE) {
      const query = `SELECT ${COLUMNS} FROM audit WHERE ${condition} LIMIT ${PIECE}`;
      const rows = [...sql.exec(query, at)];
      yield* rows;
      if (rows.length < PIECE) return;
      at = Number(rows.at(-1)?.seq);
    }
  }

  function rowsOfKey(keyId: string, condition: string): SqlRow[] {
    const query = `SELECT ${COLUMNS} FROM audit WHERE ${OF_KEY} AND ${condition}`;
    return [...sql.exec(query, keyId, `key:${keyId}`)];
  }

  return {
    appendAudit: (record) =>
      // It may be sent again because its acknowledgement was lost.
      inTurn(async () => findAppended(record) ?? (await append(record))),

    readAudit({ after, before, limit, ...filter }) {
      const [condition, from] =
        after === undefined
          ? ["seq < ? ORDER BY seq DESC", before ?? Number.MAX_SAFE_INTEGER]
          : ["seq > ? ORDER BY seq", after];
      const entries: ListedEntry[] = [];
      let [scanned, size, lastSeq] = [0, 0, 0];
      for (const row of scan(condition, from)) {
        const entry = toListed(row);
        const isMatch = matches(entry, filter);
        if (entries.length === limit || (isMatch && size > MAX_PAGE))
          return { entries, next: lastSeq };
        scanned += 1;
        lastSeq = entry.seq;
        if (!isMatch) continue;
        entries.push(entry);
        size += String(row.entry).length + String(row.details).length;
      }
      return scanned < MAX_SCANNED ? { entries } : { entries, next: lastSeq };
    },

    auditHead: () => toHead(lastRow()) ?? EMPTY_HEAD,

    exportAudit: (keyId) => rowsOfKey(keyId, "TRUE ORDER BY seq").map(toListed),

    eraseAudit: (keyId) =>
      inTurn(async () => {
        let erased = 0;
        for (;;) {
          const rows = rowsOfKey(keyId, `details IS NOT NULL ORDER BY seq LIMIT ${MAX_ERASED}`);
          if (rows.length === 0) return erased;
          const erases = rows.map(({ seq }) => Number(seq));
          const change = toHex(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
          await append(
            { change, phase: "done", operation: "eraseAudit", by: "authority", erases },
            () => {
              for (const seq of erases)
                sql.exec("UPDATE audit SET details = NULL, salt = NULL WHERE seq = ?", seq);
            },
          );
          erased += erases.length;
        }
      }),
  };
}

function first(rows: Iterable<SqlRow>): SqlRow | undefined {
  return [...rows][0];
}

/** In milliseconds since the epoch; 0 for an entry that tells none. */
function timeOf(row: SqlRow | undefined): number {
  const entry = row && toListed(row);
  return entry && "at" in entry ? Date.parse(entry.at) || 0 : 0;
}
