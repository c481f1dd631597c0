import type { SqlRow, SqlStorage } from "../../domain/sql-storage.ts";
import { WantedKeys } from "./hash-list.ts";
import { KEY_BYTES } from "./request-key.ts";
import { fromLine, type StoredPrediction } from "./stored-prediction.ts";

/** From the first to the last prediction of a row: a batch may be late, because it is sent again. */
export const MAX_SPAN_MS = 300_000;
/** How far the time in the id of a request may be from its own: ids may be made by clients, by their clocks. */
const HINT_SLACK_MS = 600_000;
/** Keys that are compared for ids without a time, the newest first. */
const MAX_SCANNED = 1_000_000;
/** The id of a row is the time of its first prediction, times this, and a number. */
export const IDS_PER_MS = 1000;
/** Rows that are read at once. */
export const PAGE_ROWS = 40;

export interface FoundPrediction {
  readonly version: string;
  readonly prediction: StoredPrediction;
  /** When it is no longer kept, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Whether a prediction is one that may be found. */
export type AcceptPrediction = (prediction: StoredPrediction) => boolean;

export type SegmentSearch = ReturnType<typeof createSegmentSearch>;

/** Finds predictions in the rows of a model. */
export function createSegmentSearch({ sql, now }: SqlStorage) {
  /** Pages of rows from a range of ids, the newest first. */
  function* rowsDown(from: number, to: number): Generator<SqlRow> {
    for (let end = to; ; ) {
      const page = [
        ...sql.exec(
          "SELECT id, version, expires_at, hashes FROM prediction_segments WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT ?",
          from,
          end,
          PAGE_ROWS,
        ),
      ];
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < PAGE_ROWS) return;
      end = Number(last.id) - 1;
    }
  }

  function search(
    wanted: WantedKeys,
    found: Map<string, FoundPrediction>,
    [from, to]: readonly [number, number],
    maxScanned: number,
    accepts: AcceptPrediction,
  ): void {
    let scanned = 0;
    for (const row of rowsDown(from, to)) {
      if (wanted.isEmpty || scanned > maxScanned) return;
      const list = row.hashes as ArrayBuffer;
      scanned += list.byteLength / KEY_BYTES;
      const places = [...wanted.placesIn(list)];
      if (places.length === 0 || Number(row.expires_at) <= now()) continue;
      const text = [
        ...sql.exec("SELECT predictions FROM prediction_segments WHERE id = ?", Number(row.id)),
      ][0];
      const lines = String(text?.predictions).split("\n");
      for (const { key, index } of places) {
        const prediction = fromLine(lines[index] ?? "");
        if (!accepts(prediction)) continue;
        found.set(key, {
          version: String(row.version),
          prediction,
          expiresAt: Number(row.expires_at),
        });
        wanted.delete(key);
      }
    }
  }

  return {
    /**
     * Finds predictions by their keys.
     * @param wanted with the times of their requests, as far as their ids say them
     * @param accepts of several with one key, which clients can bring about, the last one that it accepts is found
     */
    find(
      wanted: ReadonlyMap<string, number | undefined>,
      accepts: AcceptPrediction,
    ): Map<string, FoundPrediction> {
      const found = new Map<string, FoundPrediction>();
      const keys = new WantedKeys(wanted.keys());
      for (const range of rangesOf([...wanted.values()]))
        search(keys, found, range, Number.POSITIVE_INFINITY, accepts);
      if (!keys.isEmpty) search(keys, found, [0, Number.MAX_SAFE_INTEGER], MAX_SCANNED, accepts);
      return found;
    },
  };
}

/** Ranges of ids around times, of which those that overlap are one. */
function rangesOf(times: readonly (number | undefined)[]): (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  const known = times.filter((time) => time !== undefined).sort((a, b) => a - b);
  for (const time of known) {
    const from = (time - HINT_SLACK_MS - MAX_SPAN_MS) * IDS_PER_MS;
    const to = (time + HINT_SLACK_MS) * IDS_PER_MS;
    const last = ranges.at(-1);
    if (last && from <= last[1]) last[1] = to;
    else ranges.push([from, to]);
  }
  return ranges;
}
