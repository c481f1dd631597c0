/** Cells of the table of one comparison: some tens of milliseconds. */
const MAX_CELLS = 16_000_000;

export interface Alignment {
  /** Equal elements at the beginning. */
  readonly leading: number;
  /** The least number of elements to insert, delete or replace; of very long lists at most as many. */
  readonly edits: number;
}

/** Levenshtein's distance of two lists. */
export function alignLists<T>(first: readonly T[], second: readonly T[]): Alignment {
  const shorter = Math.min(first.length, second.length);
  let leading = 0;
  while (leading < shorter && first[leading] === second[leading]) leading += 1;
  let trailing = 0;
  while (trailing < shorter - leading && first.at(-1 - trailing) === second.at(-1 - trailing))
    trailing += 1;
  const a = first.slice(leading, first.length - trailing);
  const b = second.slice(leading, second.length - trailing);
  const isLong = a.length * b.length > MAX_CELLS;
  return { leading, edits: isLong ? Math.max(a.length, b.length) : editsOf(a, b) };
}

function editsOf<T>(a: readonly T[], b: readonly T[]): number {
  const row = Uint32Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, element] of a.entries()) {
    let diagonal = i;
    let left = i + 1;
    row[0] = left;
    for (let j = 0; j < b.length; j++) {
      const above = row[j + 1] as number;
      const replaced = diagonal + (element === b[j] ? 0 : 1);
      left = Math.min(replaced, above + 1, left + 1);
      diagonal = above;
      row[j + 1] = left;
    }
  }
  return row[b.length] as number;
}
