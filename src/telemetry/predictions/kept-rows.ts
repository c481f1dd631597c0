import type { OutputRow } from "../../domain/event.ts";
import type { KeptRow } from "../../domain/monitoring/prediction-batch.ts";

/** Four digits say what a confidence is worth, and keep what is stored short. */
const CONFIDENCE_DIGITS = 1e4;

/** @returns `undefined` when no row has anything that a truth could be compared with */
export function toKeptRows(rows: readonly OutputRow[]): readonly KeptRow[] | undefined {
  const kept = rows.map(toKeptRow);
  return kept.some((row) => row !== null) ? kept : undefined;
}

function toKeptRow({ label, confidence, value }: OutputRow): KeptRow {
  if (label === undefined) return value !== undefined && Number.isFinite(value) ? value : null;
  if (confidence === undefined || !Number.isFinite(confidence)) return [label];
  return [label, Math.round(confidence * CONFIDENCE_DIGITS) / CONFIDENCE_DIGITS];
}
