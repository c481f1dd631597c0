/** The prime factors of a positive integer, smallest first. */
export function primeFactors(value: number): number[] {
  const found: number[] = [];
  let rest = value;
  for (let factor = 2; rest > 1; factor += factor === 2 ? 1 : 2)
    while (rest % factor === 0) {
      found.push(factor);
      rest /= factor;
    }
  return found;
}
