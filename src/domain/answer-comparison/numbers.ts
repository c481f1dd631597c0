import {
  type CompareValues,
  type Comparison,
  compareStructure,
  DIFFERENT_STRUCTURE,
  isRecord,
  toFinite,
} from "./comparison.ts";

/** Values are the same within this, or within {@link RELATIVE_TOLERANCE} of the larger one. */
const ABSOLUTE_TOLERANCE = 1e-6;
export const RELATIVE_TOLERANCE = 0.01;

/** The differences of two lists of numbers of one length. */
export interface Differences {
  /** The largest one. */
  readonly absolute: number;
  /** The largest one, divided by the larger of the two magnitudes. */
  readonly relative: number;
  /** Values that are not finite on one side and not the same on the other. */
  readonly nonFinite: number;
  /** Whether all are the same within the tolerance. */
  readonly isWithin: boolean;
}

export function differencesOf(
  first: ArrayLike<number | bigint>,
  second: ArrayLike<number | bigint>,
): Differences {
  let absolute = 0;
  let relative = 0;
  let nonFinite = 0;
  let isWithin = true;
  for (let index = 0; index < first.length; index++) {
    const a = Number(first[index]);
    const b = Number(second[index]);
    if (a === b) continue;
    if (!Number.isFinite(a) || !Number.isFinite(b)) {
      if (!Object.is(a, b)) nonFinite += 1;
      continue;
    }
    const difference = toFinite(Math.abs(a - b));
    const magnitude = Math.max(Math.abs(a), Math.abs(b));
    absolute = Math.max(absolute, difference);
    relative = Math.max(relative, difference / magnitude);
    if (difference > Math.max(ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE * magnitude)) isWithin = false;
  }
  return { absolute, relative, nonFinite, isWithin: isWithin && nonFinite === 0 };
}

/** Of regressions and forecasts: numbers, in lists of any depth. */
export const compareNumbers: CompareValues = (first, second) => {
  const [a, b]: [number[], number[]] = [[], []];
  if (!flatten(first, a) || !flatten(second, b)) return compareStructure(first, second);
  if (shapeOf(first) !== shapeOf(second)) return DIFFERENT_STRUCTURE;
  return toComparison(differencesOf(a, b));
};

function toComparison({ absolute, relative, nonFinite, isWithin }: Differences): Comparison {
  if (nonFinite > 0) return { same: false, measure: "non_finite", distance: nonFinite };
  const detail = { relative };
  return { same: isWithin, measure: "absolute_difference", distance: absolute, detail };
}

const MAX_DEPTH = 8;

/** @returns false for what is no number and no list of them */
function flatten(value: unknown, into: number[], depth = 0): boolean {
  const number = toNumber(value);
  if (number !== undefined) {
    into.push(number);
    return true;
  }
  if (!Array.isArray(value) || depth === MAX_DEPTH) return false;
  return value.every((item) => flatten(item, into, depth + 1));
}

/** Long integers are texts that JSON writes as they are. */
function toNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return isRecord(value) && typeof value.rawJSON === "string" ? Number(value.rawJSON) : undefined;
}

/** Equal for values whose numbers are at the same places. */
function shapeOf(value: unknown): string {
  if (!Array.isArray(value)) return "";
  if (!value.some(Array.isArray)) return String(value.length);
  return `[${value.map(shapeOf).join(",")}]`;
}

const COSINE_TOLERANCE = 0.01;

/** Of the cosines of a comparison of sentences. */
export const compareCosines: CompareValues = (first, second) => {
  if (!isNumbers(first) || !isNumbers(second)) return compareStructure(first, second);
  if (first.length !== second.length) return DIFFERENT_STRUCTURE;
  const differences = differencesOf(first, second);
  return {
    ...toComparison({ ...differences, isWithin: differences.absolute <= COSINE_TOLERANCE }),
    detail: undefined,
  };
};

export function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}
