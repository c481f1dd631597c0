import type { SqlRow, SqlStorage } from "../../domain/sql-storage.ts";
import { KEY_BYTES, keyAt, keyToBytes } from "./request-key.ts";
import { createSegmentSearch, IDS_PER_MS, MAX_SPAN_MS, PAGE_ROWS } from "./search-segments.ts";
import { candidateRows, matchesFilter, type PredictionFilter } from "./selected-segments.ts";
import { fromLine, type StoredPrediction, toLine } from "./stored-prediction.ts";

/** Predictions of a row; a row goes on for so long, and is not begun again after a restart. */
const MAX_COUNT = 2048;
const MAX_OPEN_MS = 60_000;
/** What is kept of a model; beyond it the oldest is removed, whatever its retention. */
const MAX_BYTES = 2_147_483_648;

export interface KeyedPrediction {
  readonly key: string;
  readonly prediction: StoredPrediction;
}

interface Open {
  readonly id: number;
  readonly expiresAt: number;
  count: number;
}

export type PredictionSegments = ReturnType<typeof createPredictionSegments>;

/** The predictions of a model until their truth is known. */
export function createPredictionSegments(storage: SqlStorage, maxBytes = MAX_BYTES) {
  const { sql, now } = storage;
  const open = new Map<string, Open>();
  let bytes: number | undefined;

  function totalBytes(): number {
    bytes ??= Number(
      one("SELECT COALESCE(SUM(bytes), 0) AS bytes FROM prediction_segments")?.bytes,
    );
    return bytes;
  }

  function one(query: string, ...bindings: (string | number)[]): SqlRow | undefined {
    return [...sql.exec(query, ...bindings)][0];
  }

  function appendSome(version: string, retentionMs: number, some: readonly KeyedPrediction[]) {
    const first = some[0]?.prediction.time ?? 0;
    const last = some.at(-1)?.prediction.time ?? first;
    const hashes = concatenate(some.map(({ key }) => key));
    const lines = some.map(({ prediction }) => toLine(prediction)).join("\n");
    const size = hashes.byteLength + lines.length;
    const before = totalBytes();
    const known = open.get(version);
    if (known && isOpen(known, first, last, some.length)) {
      const row = one("SELECT hashes, predictions FROM prediction_segments WHERE id = ?", known.id);
      if (row) {
        known.count += some.length;
        sql.exec(
          "UPDATE prediction_segments SET last_at = MAX(last_at, ?), count = ?, bytes = bytes + ?, hashes = ?, predictions = ? WHERE id = ?",
          last,
          known.count,
          size,
          joined(row.hashes as ArrayBuffer, hashes),
          `${row.predictions}\n${lines}`,
          known.id,
        );
        bytes = before + size;
        return;
      }
    }
    const id = freeId(first);
    const expiresAt = last + retentionMs;
    sql.exec(
      "INSERT INTO prediction_segments (id, version, last_at, expires_at, count, bytes, hashes, predictions) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      id,
      version,
      last,
      expiresAt,
      some.length,
      size,
      hashes,
      lines,
    );
    open.set(version, { id, expiresAt, count: some.length });
    bytes = before + size;
  }

  function remove(condition: string, value: string | number): void {
    sql.exec(`DELETE FROM prediction_segments WHERE ${condition}`, value);
    bytes = undefined;
    open.clear();
  }

  function isOpen(segment: Open, first: number, last: number, count: number): boolean {
    const begin = segment.id / IDS_PER_MS;
    return segment.count + count <= MAX_COUNT && first >= begin && last <= begin + MAX_OPEN_MS;
  }

  function freeId(time: number): number {
    const start = Math.floor(time) * IDS_PER_MS;
    const row = one(
      "SELECT MAX(id) AS id FROM prediction_segments WHERE id >= ? AND id < ?",
      start,
      start + IDS_PER_MS,
    );
    return row?.id == null ? start : Number(row.id) + 1;
  }

  function removeOldest(): void {
    while (totalBytes() > maxBytes) {
      const rows = [
        ...sql.exec("SELECT id, bytes FROM prediction_segments ORDER BY id LIMIT ?", PAGE_ROWS),
      ];
      if (rows.length === 0) return;
      for (const row of rows) {
        sql.exec("DELETE FROM prediction_segments WHERE id = ?", row.id as number);
        bytes = totalBytes() - Number(row.bytes);
        if (totalBytes() <= maxBytes) return;
      }
    }
  }

  return {
    ...createSegmentSearch(storage),

    /** Adds predictions of a version, in any order. */
    append(version: string, retentionMs: number, predictions: readonly KeyedPrediction[]): void {
      const sorted = [...predictions].sort((a, b) => a.prediction.time - b.prediction.time);
      for (let start = 0; start < sorted.length; ) {
        const first = sorted[start]?.prediction.time ?? 0;
        let end = start + 1;
        while (
          end < sorted.length &&
          end - start < MAX_COUNT &&
          (sorted[end]?.prediction.time ?? 0) <= first + MAX_SPAN_MS
        )
          end++;
        appendSome(version, retentionMs, sorted.slice(start, end));
        start = end;
      }
      removeOldest();
    },

    /**
     * Removes a page of what is selected.
     * @param from an id, of the page before
     */
    erase(
      filter: PredictionFilter,
      from: number,
    ): { readonly erased: number; readonly next: number | undefined } {
      const rows = candidateRows(sql, filter, from);
      let erased = 0;
      for (const row of rows) {
        const list = new Uint8Array(row.hashes as ArrayBuffer);
        const lines = String(row.predictions).split("\n");
        const kept = lines.flatMap((line, index) => {
          const key = keyAt(list, index);
          return matchesFilter(filter, key, line) ? [] : [{ key, line }];
        });
        if (kept.length === lines.length) continue;
        erased += lines.length - kept.length;
        const hashes = concatenate(kept.map(({ key }) => key));
        const text = kept.map(({ line }) => line).join("\n");
        const id = Number(row.id);
        if (kept.length === 0) sql.exec("DELETE FROM prediction_segments WHERE id = ?", id);
        else
          sql.exec(
            "UPDATE prediction_segments SET count = ?, bytes = ?, hashes = ?, predictions = ? WHERE id = ?",
            kept.length,
            hashes.byteLength + text.length,
            hashes,
            text,
            id,
          );
      }
      if (erased > 0) {
        bytes = undefined;
        open.clear();
      }
      const last = rows.at(-1);
      return { erased, next: rows.length === PAGE_ROWS && last ? Number(last.id) + 1 : undefined };
    },

    /** A page of what is selected. */
    export(
      filter: PredictionFilter,
      from: number,
    ): {
      readonly items: readonly (KeyedPrediction & { readonly version: string })[];
      readonly next: number | undefined;
    } {
      const rows = candidateRows(sql, filter, from);
      const items = rows.flatMap((row) => {
        const list = new Uint8Array(row.hashes as ArrayBuffer);
        return String(row.predictions)
          .split("\n")
          .flatMap((line, index) => {
            const key = keyAt(list, index);
            return matchesFilter(filter, key, line)
              ? [{ key, version: String(row.version), prediction: fromLine(line) }]
              : [];
          });
      });
      const last = rows.at(-1);
      return { items, next: rows.length === PAGE_ROWS && last ? Number(last.id) + 1 : undefined };
    },

    /** When the first of them is over its retention; `undefined` without any. */
    expiresAt(): number | undefined {
      const at = one("SELECT MIN(expires_at) AS at FROM prediction_segments")?.at;
      return at == null ? undefined : Number(at);
    },

    /** Removes what is over its retention. */
    sweep: (): void => remove("expires_at <= ?", now()),

    /** Removes all, or all of a version. */
    forget: (version?: string): void =>
      version === undefined ? remove("id >= ?", 0) : remove("version = ?", version),
  };
}

function concatenate(keys: readonly string[]): ArrayBuffer {
  const bytes = new Uint8Array(keys.length * KEY_BYTES);
  keys.forEach((key, index) => {
    bytes.set(new Uint8Array(keyToBytes(key)), index * KEY_BYTES);
  });
  return bytes.buffer;
}

function joined(first: ArrayBuffer, second: ArrayBuffer): ArrayBuffer {
  const bytes = new Uint8Array(first.byteLength + second.byteLength);
  bytes.set(new Uint8Array(first));
  bytes.set(new Uint8Array(second), first.byteLength);
  return bytes.buffer;
}
