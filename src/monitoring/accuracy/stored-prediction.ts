import type { IdentifiedPrediction, KeptRow } from "../../domain/monitoring/prediction-batch.ts";

/** A prediction as it is stored, with ids instead of labels. */
export interface StoredPrediction {
  readonly time: number;
  readonly count: number;
  readonly rows: readonly KeptRow[];
  /** The id of the principal; absent where nobody was identified. */
  readonly owner?: string | undefined;
  /** The keyed hash of the subject. */
  readonly subject?: string | undefined;
  readonly split?: string | undefined;
}

type Line = [
  time: number,
  count: number,
  rows: readonly KeptRow[],
  owner?: string | null,
  subject?: string | null,
  split?: string | null,
];

/** A line of JSON; what is absent at its end is left out. */
export function toLine({ time, count, rows, owner, subject, split }: StoredPrediction): string {
  const line: Line = [time, count, rows, owner ?? null, subject ?? null, split ?? null];
  while (line.at(-1) === null) line.pop();
  return JSON.stringify(line);
}

export function fromLine(text: string): StoredPrediction {
  const [time, count, rows, owner, subject, split] = JSON.parse(text) as Line;
  return {
    time,
    count,
    rows,
    owner: owner ?? undefined,
    subject: subject ?? undefined,
    split: split ?? undefined,
  };
}

export function toStored(
  { time, count, rows, subject, split }: IdentifiedPrediction,
  owner: string | undefined,
): StoredPrediction {
  return { time, count, rows, owner, subject, split };
}
