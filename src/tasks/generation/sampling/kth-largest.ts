/**
 * The value that is the `rank`-th in descending order, -infinity if there are fewer. Most values are only compared with
 * the smallest of the best so far, the root of a heap.
 * @param heap at least `rank` long, overwritten
 */
export function kthLargest(values: Float32Array, rank: number, heap: Float32Array): number {
  const best = heap.subarray(0, rank).fill(Number.NEGATIVE_INFINITY);
  let smallest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (value <= smallest) continue;
    replaceRoot(best, value);
    smallest = best[0] as number;
  }
  return smallest;
}

function replaceRoot(heap: Float32Array, value: number): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    const right = child + 1;
    if (right < heap.length && (heap[right] as number) < (heap[child] as number)) child = right;
    if (value <= (heap[child] as number)) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = value;
}
