/**
 * P-values adjusted for their number (Benjamini and Hochberg 1995): of those that are at most `q`, a share of at most `q` are
 * false discoveries on average. Where nothing has changed, the probability of any at most `q` is at most `q`.
 * @returns in the order of the p-values
 */
export function adjustPValues(pValues: readonly number[]): number[] {
  const order = pValues.map((_, index) => index);
  order.sort((a, b) => (pValues[b] as number) - (pValues[a] as number));
  const adjusted = new Array<number>(pValues.length).fill(1);
  let smallest = 1;
  for (const [place, index] of order.entries()) {
    const rank = pValues.length - place;
    smallest = Math.min(smallest, ((pValues[index] as number) * pValues.length) / rank);
    adjusted[index] = smallest;
  }
  return adjusted;
}
