export type ElementValue = number | bigint;

/**
 * The indices of the highest values of a row, highest first. The order is total: numbers by value (-0 and 0 are equal), NaN
 * after them, and equal ones by index.
 *
 * A heap of the best `count` values, its worst on top, so that a row of n values takes n log count steps at most, and no
 * memory but the result.
 * @param start where the row begins in `values`
 */
export function topIndices(
  values: ArrayLike<ElementValue>,
  start: number,
  length: number,
  count: number,
): number[] {
  const isBefore = (a: number, b: number): boolean => {
    const left = values[start + a] as ElementValue;
    const right = values[start + b] as ElementValue;
    if (left > right) return true;
    if (left < right) return false;
    // Not comparable: one of them is NaN, or they are equal.
    const isLeftNumber = !Number.isNaN(left);
    const isRightNumber = !Number.isNaN(right);
    return isLeftNumber === isRightNumber ? a < b : isLeftNumber;
  };
  const heap: number[] = [];
  const at = (place: number): number => heap[place] as number;

  const swap = (a: number, b: number): void => {
    const index = at(a);
    heap[a] = at(b);
    heap[b] = index;
  };

  const rise = (): void => {
    for (let place = heap.length - 1; place > 0; ) {
      const parent = (place - 1) >> 1;
      if (!isBefore(at(parent), at(place))) return;
      swap(parent, place);
      place = parent;
    }
  };

  const sink = (): void => {
    for (let place = 0; ; ) {
      let worst = place;
      for (const child of [2 * place + 1, 2 * place + 2])
        if (child < heap.length && isBefore(at(worst), at(child))) worst = child;
      if (worst === place) return;
      swap(place, worst);
      place = worst;
    }
  };

  for (let index = 0; index < length; index++) {
    if (heap.length < count) {
      heap.push(index);
      rise();
    } else if (count > 0 && isBefore(index, at(0))) {
      heap[0] = index;
      sink();
    }
  }
  return heap.sort((a, b) => (isBefore(a, b) ? -1 : 1));
}
