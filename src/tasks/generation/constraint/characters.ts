import type { GrammarBuilder, State } from "./grammar.ts";

/** Code points from `first` to `last`. */
export type CodePoints = readonly (readonly [first: number, last: number])[];

export const MAX_CODE_POINT = 0x10ffff;
export const ANY_CHARACTER: CodePoints = [[0, MAX_CODE_POINT]];

/** The last code points that take one, two, three and four bytes. */
const LAST_OF_LENGTH = [0x7f, 0x7ff, 0xffff, MAX_CODE_POINT] as const;
const SURROGATES: CodePoints = [[0xd800, 0xdfff]];

/** Control characters, quote and backslash. */
const ESCAPED_CHARACTERS: CodePoints = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];
/** By the letter after the backslash. Other control characters are left out: they would take many states each. */
const ESCAPES = [
  [0x08, "b"],
  [0x09, "t"],
  [0x0a, "n"],
  [0x0c, "f"],
  [0x0d, "r"],
  [0x22, '"'],
  [0x5c, "\\"],
] as const;

/** Sorted, without overlaps. */
export function unite(ranges: CodePoints): CodePoints {
  const united: [number, number][] = [];
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    const previous = united.at(-1);
    if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else united.push([first, last]);
  }
  return united;
}

/** The code points that ranges leave out. */
export function complement(ranges: CodePoints): CodePoints {
  const others: [number, number][] = [];
  let next = 0;
  for (const [first, last] of unite(ranges)) {
    if (first > next) others.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= MAX_CODE_POINT) others.push([next, MAX_CODE_POINT]);
  return others;
}

export function intersect(a: CodePoints, b: CodePoints): CodePoints {
  return complement([...complement(a), ...complement(b)]);
}

interface Written {
  /** Of the escapes, with the letter after the backslash. */
  readonly letters: readonly (readonly [code: number, letter: string])[];
  readonly unescaped: CodePoints;
}

/** A repetition adds the same characters again and again. */
const WRITTEN = new WeakMap<CodePoints, Written>();
const SEQUENCES = new WeakMap<CodePoints, readonly ByteRange[][]>();

function asWritten(characters: CodePoints): Written {
  let written = WRITTEN.get(characters);
  if (!written) {
    const letters = ESCAPES.filter(([code]) => contains(characters, code));
    written = { letters, unescaped: intersect(characters, complement(ESCAPED_CHARACTERS)) };
    WRITTEN.set(characters, written);
  }
  return written;
}

function asUtf8(characters: CodePoints): readonly ByteRange[][] {
  let sequences = SEQUENCES.get(characters);
  if (!sequences) {
    sequences = intersect(characters, complement(SURROGATES)).flatMap(([first, last]) =>
      toByteRanges(first, last),
    );
    SEQUENCES.set(characters, sequences);
  }
  return sequences;
}

function contains(ranges: CodePoints, code: number): boolean {
  return ranges.some(([first, last]) => first <= code && code <= last);
}

/**
 * Adds the way from a state to another by one character of a JSON string, as `JSON.stringify` writes it: each character
 * in one form only. Halves of surrogate pairs are left out.
 */
export function addCharacter(
  builder: GrammarBuilder,
  from: State,
  characters: CodePoints,
  to: State,
): void {
  const { letters, unescaped } = asWritten(characters);
  if (letters.length > 0) {
    const escaped = builder.state();
    builder.bytes(from, 0x5c, 0x5c, escaped);
    for (const [, letter] of letters)
      builder.bytes(escaped, letter.charCodeAt(0), letter.charCodeAt(0), to);
  }
  addUtf8(builder, from, unescaped, to);
}

/** The states before another one, by the bytes that lead from them to it. */
const TAILS = new WeakMap<State, Map<string, State>>();

/** Adds the way from a state to another by one character in UTF-8. */
export function addUtf8(
  builder: GrammarBuilder,
  from: State,
  characters: CodePoints,
  to: State,
): void {
  const tails = TAILS.get(to) ?? new Map<string, State>();
  TAILS.set(to, tails);
  const stateBefore = (ranges: readonly ByteRange[]): State => {
    const [range, ...rest] = ranges;
    if (!range) return to;
    const key = ranges.join();
    let state = tails.get(key);
    if (!state) {
      state = builder.state();
      tails.set(key, state);
      builder.bytes(state, range[0], range[1], stateBefore(rest));
    }
    return state;
  };
  for (const [lead, ...rest] of asUtf8(characters))
    if (lead) builder.bytes(from, lead[0], lead[1], stateBefore(rest));
}

type ByteRange = readonly [first: number, last: number];

/** The sequences of byte ranges that are the code points from `first` to `last` in UTF-8. */
function toByteRanges(first: number, last: number): ByteRange[][] {
  let start = first;
  const sequences: ByteRange[][] = [];
  for (const [index, lastOfLength] of LAST_OF_LENGTH.entries()) {
    if (start > lastOfLength) continue;
    const end = Math.min(last, lastOfLength);
    sequences.push(...splitRange(start, end, index));
    start = end + 1;
    if (start > last) break;
  }
  return sequences;
}

const LEAD_BITS = [0, 0xc0, 0xe0, 0xf0] as const;

/** @param continuation bytes after the first one, of all code points of the range */
function splitRange(first: number, last: number, continuation: number): ByteRange[][] {
  if (continuation === 0) return [[[first, last]]];
  // Until all bytes but the first one that differs have their full range.
  for (let bytes = 1; bytes <= continuation; bytes++) {
    const mask = 2 ** (6 * bytes) - 1;
    if ((first & ~mask) === (last & ~mask)) continue;
    if ((first & mask) !== 0)
      return [
        ...splitRange(first, first | mask, continuation),
        ...splitRange((first | mask) + 1, last, continuation),
      ];
    if ((last & mask) !== mask)
      return [
        ...splitRange(first, (last & ~mask) - 1, continuation),
        ...splitRange(last & ~mask, last, continuation),
      ];
  }
  const [from, to] = [toBytes(first, continuation), toBytes(last, continuation)];
  return [from.map((byte, index): ByteRange => [byte, to[index] as number])];
}

function toBytes(code: number, continuation: number): number[] {
  const bytes: number[] = [];
  for (let index = continuation; index > 0; index--)
    bytes.push(0x80 | ((code >> (6 * (index - 1))) & 0x3f));
  return [(LEAD_BITS[continuation] as number) | (code >> (6 * continuation)), ...bytes];
}
