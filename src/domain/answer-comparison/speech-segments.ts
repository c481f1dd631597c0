import {
  type CompareValues,
  type Comparison,
  compareStructure,
  DIFFERENT_STRUCTURE,
  isListOf,
  isRecord,
} from "./comparison.ts";
import { combine } from "./over-items.ts";

interface Segment {
  readonly start: number;
  readonly end: number;
}

/** By which the beginning and the end of a segment may differ, in seconds: three windows of the model of `models/`. */
const TOLERANCE_SECONDS = 0.1;

/** Beyond it, sums of seconds would not be finite. */
const MAX_SECONDS = 1e12;

const isTime = (value: unknown): boolean =>
  typeof value === "number" && Math.abs(value) <= MAX_SECONDS;

const isSegment = (item: unknown): item is Segment =>
  isRecord(item) && isTime(item.start) && isTime(item.end);

/** Of voice activity: the same when there are as many segments of speech, with the same ends. */
export const compareSpeech: CompareValues = (first, second) => {
  if (!Array.isArray(first) && !Array.isArray(second)) return compareOne(first, second);
  if (!Array.isArray(first) || !Array.isArray(second)) return DIFFERENT_STRUCTURE;
  if (first.length !== second.length) return DIFFERENT_STRUCTURE;
  return combine(first.map((item, index) => compareOne(item, second[index])));
};

function compareOne(first: unknown, second: unknown): Comparison {
  const [a, b] = [segmentsOf(first), segmentsOf(second)];
  if (!a || !b) return compareStructure(first, second);
  const either = secondsOf([...a, ...b]);
  const both = Math.max(0, secondsOf(a) + secondsOf(b) - either);
  return {
    same: a.length === b.length && a.every((one, index) => isNear(one, b[index])),
    measure: "speech_mismatch",
    distance: either === 0 ? 0 : Math.max(0, 1 - both / either),
    detail: { bothSeconds: both, eitherSeconds: either },
  };
}

function segmentsOf(value: unknown): readonly Segment[] | undefined {
  return isRecord(value) && isListOf(value.speech, isSegment) ? value.speech : undefined;
}

function isNear(one: Segment, other: Segment | undefined): boolean {
  if (!other) return false;
  const starts = Math.abs(one.start - other.start);
  return starts <= TOLERANCE_SECONDS && Math.abs(one.end - other.end) <= TOLERANCE_SECONDS;
}

/** That at least one segment covers. */
function secondsOf(segments: readonly Segment[]): number {
  let seconds = 0;
  let covered = Number.NEGATIVE_INFINITY;
  for (const { start, end } of segments.toSorted((a, b) => a.start - b.start)) {
    const from = Math.max(start, covered);
    if (end <= from) continue;
    seconds += end - from;
    covered = end;
  }
  return seconds;
}
