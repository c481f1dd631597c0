/**
 * IEEE 754 binary16 for engines without `Float16Array` (Node before 24, browsers before 2025): numbers
 * to bits, rounded to the nearest and to even between two, and back.
 */

const SMALLEST_EXPONENT = -14;
const FRACTION_BITS = 10;
const BIAS = 15;
const SIGN = 0x8000;
const INFINITY = 0x7c00;
const QUIET_NAN = 0x7e00;
/** Half a unit in the last place above the largest half, 65504. */
const ROUNDS_TO_INFINITY = 65_520;
/** Adding and subtracting it rounds a small double to an integer. */
const ROUND_TO_INTEGER = 2 ** 52;

export function toHalfBits(value: number): number {
  if (Number.isNaN(value)) return QUIET_NAN;
  const sign = value < 0 || Object.is(value, -0) ? SIGN : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= ROUNDS_TO_INFINITY) return sign | INFINITY;
  const exponent = Math.max(exponentOf(magnitude), SMALLEST_EXPONENT);
  const unit = 2 ** (exponent - FRACTION_BITS);
  // A fraction that rounds up to the next power of two carries into the exponent's bits by itself.
  const units = magnitude / unit + ROUND_TO_INTEGER - ROUND_TO_INTEGER;
  return sign | (units + (exponent - SMALLEST_EXPONENT) * 2 ** FRACTION_BITS);
}

export function fromHalfBits(bits: number): number {
  const sign = bits & SIGN ? -1 : 1;
  const exponent = (bits & INFINITY) >> FRACTION_BITS;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** (SMALLEST_EXPONENT - FRACTION_BITS);
  return sign * (2 ** FRACTION_BITS + fraction) * 2 ** (exponent - BIAS - FRACTION_BITS);
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** The exponent of a double; far below any half for zero and subnormal doubles. */
function exponentOf(magnitude: number): number {
  double[0] = magnitude;
  return (((words[1] ?? 0) >>> 20) & 0x7ff) - 1023;
}
