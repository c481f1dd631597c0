import type { TruthValue } from "../../domain/monitoring/feedback.ts";
import {
  addTruth,
  emptyTruthSums,
  type TruthPair,
  type TruthSums,
  type TruthWindow,
} from "../../domain/monitoring/truth-sums.ts";
import type { SqlRow, SqlStorage } from "../../domain/sql-storage.ts";
import { keyAt, keyToBytes } from "./request-key.ts";
import type { AcceptPrediction, FoundPrediction } from "./search-segments.ts";
import type { PredictionFilter } from "./selected-segments.ts";
import { fromLine, toLine } from "./stored-prediction.ts";

const HOUR_MS = 3_600_000;
/** The start of the sums of all time. */
const ALL_TIME = -1;
/** After which the sums of an hour are removed; those of all time stay. */
const SUMS_KEPT_MS = 400 * 86_400_000;
const PAGE = 500;
/** Of requests that nobody was identified for. */
const NO_OWNER = "";

export interface StoredTruth extends FoundPrediction {
  readonly truth: readonly TruthValue[];
  readonly knownAt: number;
}

export type TruthTable = ReturnType<typeof createTruthTable>;

/** Truths of requests, and sums of what they say of the predictions of a version. */
export function createTruthTable({ sql, now }: SqlStorage) {
  function sumsOf(version: string, start: number): TruthSums {
    const [row] = sql.exec(
      "SELECT sums FROM truth_sums WHERE version = ? AND start = ?",
      version,
      start,
    );
    return row ? (JSON.parse(String(row.sums)) as TruthSums) : emptyTruthSums();
  }

  function* whereOf(filter: PredictionFilter): Generator<readonly [string, ArrayBuffer | string]> {
    if ("key" in filter) yield ["request = ?", keyToBytes(filter.key)];
    else if ("owner" in filter) {
      yield ["owner = ?", filter.owner];
      yield ["giver = ?", filter.owner];
    } else yield ["subject = ?", filter.subject];
  }

  return {
    /** @param accepts whose predictions it may be of: clients may choose the same ids */
    find(key: string, accepts: AcceptPrediction): StoredTruth | undefined {
      const rows = sql.exec(
        "SELECT * FROM truths WHERE request = ? AND expires_at > ? ORDER BY known_at DESC LIMIT ?",
        keyToBytes(key),
        now(),
        PAGE,
      );
      return [...rows].map(toTruth).find(({ prediction }) => accepts(prediction));
    },

    put(
      key: string,
      { version, prediction, expiresAt, truth, knownAt }: StoredTruth,
      giver: string,
    ) {
      sql.exec(
        "INSERT OR REPLACE INTO truths (request, version, predicted_at, known_at, expires_at, owner, subject, giver, prediction, truth) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        keyToBytes(key),
        version,
        prediction.time,
        knownAt,
        expiresAt,
        prediction.owner ?? NO_OWNER,
        prediction.subject ?? null,
        giver,
        toLine(prediction),
        JSON.stringify(truth),
      );
    },

    /** Adds what truths say to the sums, with one row written for each version and hour. */
    addToSums(changes: readonly SumChange[]): void {
      const groups = new Map<string, { version: string; start: number; sums: TruthSums }>();
      for (const { version, time, added, removed } of changes)
        for (const start of [Math.floor(time / HOUR_MS) * HOUR_MS, ALL_TIME]) {
          const name = `${version} ${start}`;
          const group = groups.get(name) ?? { version, start, sums: sumsOf(version, start) };
          groups.set(name, group);
          for (const pair of removed) addTruth(group.sums, pair, -1);
          for (const pair of added) addTruth(group.sums, pair);
        }
      for (const { version, start, sums } of groups.values())
        sql.exec(
          "INSERT OR REPLACE INTO truth_sums (version, start, sums) VALUES (?, ?, ?)",
          version,
          start,
          JSON.stringify(sums),
        );
    },

    /** By version and hour, in order. */
    windows(from: number, to: number, version?: string): TruthWindow[] {
      const rows = sql.exec(
        "SELECT version, start, sums FROM truth_sums WHERE start >= ? AND start > ? AND start < ? ORDER BY version, start",
        from - HOUR_MS + 1,
        ALL_TIME,
        to,
      );
      return [...rows]
        .filter((row) => version === undefined || row.version === version)
        .map((row) => ({
          version: String(row.version),
          start: Number(row.start),
          seconds: HOUR_MS / 1000,
          sums: JSON.parse(String(row.sums)) as TruthSums,
        }));
    },

    /** Of all time, by version. */
    totals(): Map<string, TruthSums> {
      const rows = sql.exec("SELECT version, sums FROM truth_sums WHERE start = ?", ALL_TIME);
      return new Map(
        [...rows].map((row) => [String(row.version), JSON.parse(String(row.sums)) as TruthSums]),
      );
    },

    totalOf: (version: string): TruthSums => sumsOf(version, ALL_TIME),

    /** The sums stay: they are numbers that belong to nobody. */
    erase(filter: PredictionFilter): number {
      let erased = 0;
      for (const [where, value] of whereOf(filter))
        erased += [...sql.exec(`DELETE FROM truths WHERE ${where} RETURNING version`, value)]
          .length;
      return erased;
    },

    /**
     * A page of what is selected, by the keys of requests.
     * @param after the last key of the page before
     */
    export(
      filter: PredictionFilter,
      after: string,
    ): { readonly items: readonly StoredTruth[]; readonly next: string | undefined } {
      const rows = new Map<string, SqlRow>();
      for (const [where, value] of whereOf(filter))
        for (const row of sql.exec(
          `SELECT * FROM truths WHERE ${where} AND hex(request) > upper(?) ORDER BY request LIMIT ?`,
          value,
          after,
          PAGE,
        ))
          rows.set(`${toHex(row.request)} ${row.owner}`, row);
      // Of two conditions each has a page: what is beyond the shorter one may be incomplete.
      const page = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, PAGE);
      const last = page.at(-1)?.[0];
      return {
        items: page.map(([, row]) => toTruth(row)),
        next: page.length === PAGE ? last?.split(" ")[0] : undefined,
      };
    },

    /** When the first of them is over its retention; `undefined` without any. */
    expiresAt(): number | undefined {
      const [row] = sql.exec("SELECT MIN(expires_at) AS at FROM truths");
      return row?.at == null ? undefined : Number(row.at);
    },

    /** Removes what is over its retention. */
    sweep(): void {
      const oldest = now() - SUMS_KEPT_MS;
      sql.exec("DELETE FROM truth_sums WHERE start > ? AND start < ?", ALL_TIME, oldest);
      sql.exec("DELETE FROM truths WHERE expires_at <= ?", now());
    },

    /** Removes all, or all of a version. */
    forget(version?: string): void {
      for (const table of ["truths", "truth_sums"])
        if (version === undefined) sql.exec(`DELETE FROM ${table}`);
        else sql.exec(`DELETE FROM ${table} WHERE version = ?`, version);
    },
  };
}

export interface SumChange {
  readonly version: string;
  /** Of the prediction. */
  readonly time: number;
  readonly added: readonly TruthPair[];
  readonly removed: readonly TruthPair[];
}

function toHex(request: SqlRow[string] | undefined): string {
  return keyAt(new Uint8Array(request as ArrayBuffer), 0);
}

function toTruth(row: SqlRow): StoredTruth {
  return {
    version: String(row.version),
    prediction: fromLine(String(row.prediction)),
    expiresAt: Number(row.expires_at),
    truth: JSON.parse(String(row.truth)) as TruthValue[],
    knownAt: Number(row.known_at),
  };
}
