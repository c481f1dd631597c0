/** `exp(x) / sum(exp(x))`, computed without overflow. */
export function softmax(values: readonly number[]): number[] {
  const max = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - max));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** `1 / (1 + exp(-x))` */
export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
