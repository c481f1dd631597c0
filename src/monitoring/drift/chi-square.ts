/** Terms of a series or a continued fraction; both converge in far fewer for the degrees of freedom of histograms. */
const MAX_TERMS = 10_000;
const PRECISION = 1e-16;
/** Of the interval in which a quantile is. */
const HALVINGS = 200;

/**
 * The probability that a chi-square variable exceeds `x`.
 * @param x at least 0
 * @param degrees of freedom, a positive integer
 */
export function chiSquareSurvival(x: number, degrees: number): number {
  if (!(x > 0)) return 1;
  if (x === Number.POSITIVE_INFINITY) return 0;
  const a = degrees / 2;
  const z = x / 2;
  return z < a + 1 ? 1 - lowerSeries(a, z) : upperFraction(a, z);
}

/**
 * What a chi-square variable exceeds with the given probability: the inverse of {@link chiSquareSurvival}.
 * @param probability over 0 and up to 1
 */
export function chiSquareQuantile(probability: number, degrees: number): number {
  let low = 0;
  let high = degrees + 1;
  while (chiSquareSurvival(high, degrees) > probability) high *= 2;
  for (let i = 0; i < HALVINGS && high - low > high * PRECISION; i++) {
    const middle = (low + high) / 2;
    if (chiSquareSurvival(middle, degrees) > probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The regularized lower incomplete gamma function, by its series (DLMF 8.11.4). */
function lowerSeries(a: number, z: number): number {
  let term = 1 / a;
  let sum = term;
  for (let i = 1; i < MAX_TERMS && term > sum * PRECISION; i++) {
    term *= z / (a + i);
    sum += term;
  }
  return sum * scale(a, z);
}

/** The regularized upper one, by its continued fraction (DLMF 8.9.2), evaluated by the method of Lentz (1976). */
function upperFraction(a: number, z: number): number {
  const tiny = Number.MIN_VALUE / PRECISION;
  let b = z + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let i = 1; i < MAX_TERMS; i++) {
    const numerator = -i * (i - a);
    b += 2;
    d = 1 / (numerator * d + b || tiny);
    c = b + numerator / c || tiny;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return fraction * scale(a, z);
}

/** `z^a e^-z / Gamma(a)` */
function scale(a: number, z: number): number {
  return Math.exp(a * Math.log(z) - z - logGammaOfHalves(a));
}

/** The logarithm of the gamma function of a positive multiple of one half, by its recurrence. */
function logGammaOfHalves(a: number): number {
  const isWhole = Number.isInteger(a);
  let sum = isWhole ? 0 : Math.log(Math.PI) / 2;
  for (let factor = isWhole ? 1 : 0.5; factor < a; factor++) sum += Math.log(factor);
  return sum;
}
