const MAX_TERMS = 100;

/**
 * The probability that the largest difference of two empirical distributions, times the square root of their effective
 * number, exceeds `x` in the limit (Kolmogorov 1933): `2 sum (-1)^(k-1) e^(-2 k^2 x^2)`.
 */
export function kolmogorovSurvival(x: number): number {
  if (x < 0.2) return 1;
  // Where the series above converges slowly, its other form does not (Marsaglia, Tsang and Wang 2003).
  if (x < 1) {
    let sum = 0;
    for (let k = 1; k < MAX_TERMS; k += 2) sum += Math.exp((-(k * k) * Math.PI ** 2) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  let sum = 0;
  for (let k = 1; k < MAX_TERMS; k++) {
    const term = Math.exp(-2 * k * k * x * x);
    sum += k % 2 === 1 ? term : -term;
    if (term < 1e-300) break;
  }
  return Math.min(1, 2 * sum);
}

/** The inverse of {@link kolmogorovSurvival}. */
export function kolmogorovQuantile(probability: number): number {
  let low = 0.2;
  let high = 20;
  while (high - low > 1e-12) {
    const middle = (low + high) / 2;
    if (kolmogorovSurvival(middle) > probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
