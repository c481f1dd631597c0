import type { GrammarBuilder, State } from "./grammar.ts";

/** Digits before the point: more than a double holds. Without a limit, a model may write digits until its tokens end. */
const MAX_DIGITS = 19;
const MAX_FRACTION_DIGITS = 16;
/** Of an exponent: a number stays far below the largest double. */
const MAX_EXPONENT_DIGITS = 2;
/** Of a number with bounds, together: numbers of so many digits are different doubles. */
const EXACT_DIGITS = 15;
const FRACTION_DIGITS = 10;

const [ZERO, NINE, POINT, MINUS] = [0x30, 0x39, 0x2e, 0x2d];

/** Adds a number without bounds. */
export function addNumber(
  builder: GrammarBuilder,
  from: State,
  to: State,
  isInteger: boolean,
): void {
  const [digits, integer] = [builder.state(), builder.state()];
  builder.bytes(from, MINUS, MINUS, digits);
  from.epsilon.push(digits);
  builder.bytes(digits, ZERO, ZERO, integer);
  const first = builder.state();
  builder.bytes(digits, ZERO + 1, NINE, first);
  addDigits(builder, first, MAX_DIGITS - 1, integer);
  integer.epsilon.push(to);
  if (isInteger) return;
  const [point, fraction, mark, exponent] = Array.from({ length: 4 }, () => builder.state()) as [
    State,
    State,
    State,
    State,
  ];
  builder.bytes(integer, POINT, POINT, point);
  addOneDigit(builder, point, MAX_FRACTION_DIGITS, fraction);
  fraction.epsilon.push(to);
  for (const before of [integer, fraction])
    for (const letter of [0x45, 0x65]) builder.bytes(before, letter, letter, mark);
  for (const sign of [0x2b, MINUS]) builder.bytes(mark, sign, sign, exponent);
  mark.epsilon.push(exponent);
  addOneDigit(builder, exponent, MAX_EXPONENT_DIGITS, to);
}

/** Up to `count` digits. */
function addDigits(builder: GrammarBuilder, from: State, count: number, to: State): void {
  let at = from;
  for (let digit = 0; digit < count; digit++) {
    at.epsilon.push(to);
    const next = builder.state();
    builder.bytes(at, ZERO, NINE, next);
    at = next;
  }
  at.epsilon.push(to);
}

/** One to `count` digits. */
function addOneDigit(builder: GrammarBuilder, from: State, count: number, to: State): void {
  const next = builder.state();
  builder.bytes(from, ZERO, NINE, next);
  addDigits(builder, next, count - 1, to);
}

/** The bounds of a number as a schema has them; an exclusive one is no part of the range. */
export interface Bounds {
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMinimum: number | undefined;
  readonly exclusiveMaximum: number | undefined;
}

/** A bound as an integer of this many digits after the point. */
interface Range {
  readonly low: bigint;
  readonly high: bigint;
  readonly fraction: number;
}

/**
 * Adds a number between bounds, without an exponent.
 * @throws RangeError for bounds that cannot be kept exactly
 */
export function addBoundedNumber(
  builder: GrammarBuilder,
  from: State,
  to: State,
  bounds: Bounds,
  isInteger: boolean,
): void {
  const { low, high, fraction } = isInteger ? integerRange(bounds) : decimalRange(bounds);
  if (low > high) throw new RangeError("there is no number between the bounds");
  if (high >= 0n) addRange(builder, from, to, low > 0n ? low : 0n, high, fraction);
  if (low < 0n) {
    const negative = builder.state();
    builder.bytes(from, MINUS, MINUS, negative);
    // Not -0, which is no number of its own.
    addRange(builder, negative, to, high < 0n ? -high : 1n, -low, fraction);
  }
}

function integerRange({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Bounds): Range {
  const most = 10 ** MAX_DIGITS - 1;
  const low = Math.max(
    -most,
    Math.ceil(minimum ?? -most),
    exclusiveMinimum === undefined ? -most : Math.floor(exclusiveMinimum) + 1,
  );
  const high = Math.min(
    most,
    Math.floor(maximum ?? most),
    exclusiveMaximum === undefined ? most : Math.ceil(exclusiveMaximum) - 1,
  );
  for (const bound of [minimum, maximum, exclusiveMinimum, exclusiveMaximum])
    if (bound !== undefined && !Number.isSafeInteger(Math.trunc(bound)))
      throw new RangeError(`the bound ${bound} is beyond 2^53 - 1`);
  const limit = 10n ** BigInt(MAX_DIGITS) - 1n;
  const clamp = (value: number, end: bigint): bigint =>
    Math.abs(value) >= most ? end : BigInt(value);
  return { low: clamp(low, -limit), high: clamp(high, limit), fraction: 0 };
}

function decimalRange({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Bounds): Range {
  const given = [minimum, maximum, exclusiveMinimum, exclusiveMaximum].filter(
    (bound) => bound !== undefined,
  );
  const parts = given.map(toDecimal);
  const integers = Math.max(1, ...parts.map(({ integer }) => integer.length));
  const wanted = Math.max(0, ...parts.map(({ fraction }) => fraction.length));
  if (integers + wanted > EXACT_DIGITS)
    throw new RangeError(`bounds of more than ${EXACT_DIGITS} digits are not supported`);
  const fraction = Math.max(wanted, Math.min(FRACTION_DIGITS, EXACT_DIGITS - integers));
  const scale = (bound: number): bigint => {
    const decimal = toDecimal(bound);
    const digits = BigInt(decimal.integer + decimal.fraction.padEnd(fraction, "0"));
    return bound < 0 ? -digits : digits;
  };
  // Far from the other bound, rounding to a double does not matter.
  const most = 10n ** BigInt(EXACT_DIGITS + fraction) - 1n;
  const lows: bigint[] = [];
  if (minimum !== undefined) lows.push(scale(minimum));
  if (exclusiveMinimum !== undefined) lows.push(scale(exclusiveMinimum) + 1n);
  const highs: bigint[] = [];
  if (maximum !== undefined) highs.push(scale(maximum));
  if (exclusiveMaximum !== undefined) highs.push(scale(exclusiveMaximum) - 1n);
  let [low, high] = [-most, most];
  for (const bound of lows) if (bound > low) low = bound;
  for (const bound of highs) if (bound < high) high = bound;
  return { low, high, fraction };
}

/** The digits of a number's shortest form. */
function toDecimal(value: number): { integer: string; fraction: string } {
  const [mantissa = "", exponent = "0"] = String(Math.abs(value)).split("e");
  const [whole = "", rest = ""] = mantissa.split(".");
  const shift = Number(exponent);
  if (Math.abs(shift) > 2 * EXACT_DIGITS)
    throw new RangeError(`the bound ${value} has too many digits`);
  const digits = whole + rest;
  const point = whole.length + shift;
  const padded = point < 0 ? "0".repeat(-point) + digits : digits.padEnd(point, "0");
  const at = Math.max(0, point);
  return {
    integer: padded.slice(0, at).replace(/^0+(?=.)/, "") || "0",
    fraction: padded.slice(at).replace(/0+$/, ""),
  };
}

/**
 * Adds the decimal numbers from `low` to `high`, both not negative and scaled by the digits after the point. Digits are
 * compared with those of the bounds until they differ.
 */
function addRange(
  builder: GrammarBuilder,
  from: State,
  to: State,
  low: bigint,
  high: bigint,
  fraction: number,
): void {
  const digitsOf = (value: bigint): string => String(value).padStart(fraction + 1, "0");
  const [shortest, longest] = [digitsOf(low).length, digitsOf(high).length];
  for (let length = shortest; length <= longest; length++) {
    const smallest = length === fraction + 1 ? 0n : 10n ** BigInt(length - 1);
    const least = low > smallest ? low : smallest;
    const largest = 10n ** BigInt(length) - 1n;
    const most = high < largest ? high : largest;
    if (least > most) continue;
    addSameLength(builder, from, to, [digitsOf(least), digitsOf(most)], fraction);
  }
}

function addSameLength(
  builder: GrammarBuilder,
  from: State,
  to: State,
  [low, high]: readonly [string, string],
  fraction: number,
): void {
  const integers = low.length - fraction;
  const states = new Map<string, State>();
  const stateOf = (at: number, atLow: boolean, atHigh: boolean): State => {
    const key = `${at} ${atLow} ${atHigh}`;
    let state = states.get(key);
    if (!state) {
      state = builder.state();
      states.set(key, state);
      connect(state, at, atLow, atHigh);
    }
    return state;
  };
  const addDigit = (state: State, at: number, atLow: boolean, atHigh: boolean): void => {
    const first = atLow ? Number(low[at]) : 0;
    const last = atHigh ? Number(high[at]) : 9;
    const add = (from: number, to: number, isLow: boolean, isHigh: boolean): void => {
      if (from <= to) builder.bytes(state, ZERO + from, ZERO + to, stateOf(at + 1, isLow, isHigh));
    };
    if (first === last) {
      add(first, last, atLow, atHigh);
      return;
    }
    if (atLow) add(first, first, true, false);
    add(atLow ? first + 1 : first, atHigh ? last - 1 : last, false, false);
    if (atHigh) add(last, last, false, true);
  };
  const connect = (state: State, at: number, atLow: boolean, atHigh: boolean): void => {
    // The digits that are left out are zeros, which are too small only for what equals the lower bound until here.
    if (at >= integers && !(atLow && /[1-9]/.test(low.slice(at)))) state.epsilon.push(to);
    if (at === low.length) return;
    if (at !== integers) {
      addDigit(state, at, atLow, atHigh);
      return;
    }
    const point = builder.state();
    builder.bytes(state, POINT, POINT, point);
    addDigit(point, at, atLow, atHigh);
  };
  from.epsilon.push(stateOf(0, true, true));
}
