/** From here on halving is faster than looking at one edge after the other. */
const MANY_EDGES = 32;

/**
 * The index of the bin of a value: the number of edges below it, so that a bin has its upper edge and not its lower one.
 * @param edges ascending
 * @param value not NaN, which belongs to no bin
 */
export function binOf(edges: readonly number[], value: number): number {
  const { length } = edges;
  if (length > MANY_EDGES) return halve(edges, value);
  let bin = 0;
  while (bin < length && (edges[bin] as number) < value) bin++;
  return bin;
}

function halve(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
